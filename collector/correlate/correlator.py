"""The correlator: reports, logins and kernel events in, traces and logins out, in whatever order they come.

A request is remembered for `window` after its last news. What comes later is dropped and counted: the stored trace
stands. A report of a request that is older than this memory goes on from the stored trace, so a batch that is sent
again after a restart does not take a confirmed trace back to reached.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from collector.correlate.calls import Calls
from collector.correlate.case import Case
from collector.correlate.cases import Cases, Limits
from collector.correlate.connections import KINDS as CONNECTIONS
from collector.correlate.deeds import KINDS, deed_of
from collector.correlate.events import Bucket, Recent
from collector.correlate.kin import Kin
from collector.correlate.logins import Logins
from collector.correlate.peers import Peers, Who
from collector.correlate.sessions import Sessions
from collector.model import AttackTrace, Finding, LoginEvent, Process, Request, RequestReport, Verdict
from probes.vocabulary import KernelEvent


class Correlator:
    """`counters`: events attached, remembered, unmarked, late, evicted. All memory is bounded by `limits`.

    `witnessed` says whether the kernel side watches a process, `recall` gives a stored trace by id, `process` an app's
    process by pid. `wanted` is called with the id of a request that the kernel has convicted before its agent spoke.
    `unusual` says which events are findings by themselves (collector/behaviour); `attacked` is called with the id of a
    request whose attack got through, `convicted` of one whose attack the kernel confirmed.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        now: Callable[[], int] = time.time_ns,
        witnessed: Callable[[int], bool] = lambda pid: False,
        recall: Callable[[str], AttackTrace | None] = lambda request_id: None,
        process: Callable[[int], Process | None] = lambda pid: None,
        host: str = "",
    ) -> None:
        self._limits, self._now = limits or Limits(), now
        self._witnessed, self._process = witnessed, process
        self.wanted: Callable[[str], None] = lambda request_id: None
        self.unusual: Callable[[Sequence[KernelEvent]], Sequence[tuple[KernelEvent, Finding]]] = lambda events: ()
        self.attacked: Callable[[str], None] = lambda request_id: None
        self.convicted: Callable[[str], None] = lambda request_id: None
        self._start = now()
        cap = self._limits.max_events_per_trace
        self._recent = Recent(self._limits.max_requests, self._limits.max_bytes, cap)
        self._peers = Peers(max_waiting=self._limits.max_requests)
        self._kin = Kin()
        self._sessions = Sessions(host)
        self._cases = Cases(self._limits, recall, self._closed)
        self.calls = Calls(self._cases, process, lambda request_id: self.wanted(request_id))
        self._logins = Logins(self._peers, self._limits.max_requests)
        self.counters: Counter[str] = Counter()

    def on_report(self, report: RequestReport) -> list[AttackTrace]:
        """Take a report; the traces that are new or changed."""
        request_id, now = report.request.request_id, self._now()
        self._expire(now)
        case = self._cases.get(request_id)
        if case is None:
            if not report.findings:
                return self._innocent(report.request, now)
            before = max(self._start, now - self._limits.window)
            case = self._cases.begin(request_id, old=report.request.start_time < before)
        case.report(report)
        if (bucket := self._recent.take(request_id)) is not None:
            self.counters["attached"] += len(bucket.events)
            self._adopt(case, bucket)
        self._find_peer(case, request_id)
        self._link(case, self._kin.attack(case.request))
        return self._settled_all({request_id, *self.calls.on_case(case)}, now)

    def _innocent(self, request: Request, now: int) -> list[AttackTrace]:
        """A request that somebody wanted to know of has no findings."""
        changed = self.calls.on_innocent(request)
        if changed:
            self.on_clean([request.request_id])
        return self._settled_all(changed, now)

    def on_clean(self, request_ids: Sequence[str]) -> None:
        """These requests are nobody's attack: their kernel events can go, those that still come too."""
        for request_id in request_ids:
            if request_id not in self._cases:
                self._recent.take(request_id)
                self._cases.settle(request_id)

    def on_kin(self, requests: Sequence[Request]) -> list[AttackTrace]:
        """Take requests in which nothing was found; the traces that they belong to, where those are news."""
        now = self._now()
        changed: dict[str, Case] = {}
        for request in requests:
            if request.request_id in self._cases:
                continue
            for request_id in self._kin.innocent(request, now):
                self._link(self._cases[request_id], [request])
                changed[request_id] = self._cases[request_id]
        return self._settled_all(changed, now)

    def on_login(self, login: LoginEvent) -> LoginEvent:
        """Take a login; the same with the kernel's peer, and with what an earlier word on it knew better."""
        return self._logins.take(login, self._now())

    def on_kernel(self, events: Sequence[KernelEvent]) -> tuple[list[AttackTrace], list[LoginEvent]]:
        """Take kernel events; the traces and logins that they changed."""
        now = self._now()
        self._expire(now)
        changed: dict[str, Case] = {}
        logins: dict[str, LoginEvent] = {}
        for event in events:
            if event.kind == "accept" and (waiting := self._peers.accepted(event)):
                self._claim(waiting, changed, logins)
            if event.request_id and event.attribution != "none":
                self._marked(event, changed, now)
            else:
                self.counters["unmarked"] += 1
            if event.kind in CONNECTIONS:
                changed |= {name: self._cases[name] for name in self.calls.on_kernel(event, now) if name in self._cases}
            if event.kind in ("login", "exec") and (login := self._sessions.on_kernel(event)):
                logins[login.id] = login
        changed |= {name: self._cases[name] for name in self.calls.heard(events, now) if name in self._cases}
        for event, finding in self.unusual(events):
            self._unusual(event, finding, changed)
        return self._settled_all(changed, now), list(logins.values())

    def concerns(self, request_id: str) -> bool:
        """Whether this request is an attack trace already."""
        return request_id in self._cases

    def remembered(self) -> dict[str, int]:
        """How much is in memory now: requests by state, and bytes of unclaimed events."""
        return {
            "cases": len(self._cases), "unclaimed": len(self._recent), "unclaimed_bytes": self._recent.size,
            "logins": len(self._logins), "connections": len(self._peers), "evicted": self._recent.evicted,
            "calls": len(self.calls), "edges": len(self.calls.edges), "edges_evicted": self.calls.edges.evicted,
            "kin": len(self._kin), "kin_evicted": self._kin.evicted,
            "host_sessions": len(self._sessions), "host_sessions_evicted": self._sessions.evicted,
        }  # fmt: skip

    def _marked(self, event: KernelEvent, changed: dict[str, Case], now: int) -> None:
        if event.kind == "turn" and event.size == 1:  # the connect has said it
            return
        case = self._cases.get(event.request_id)
        if case is None and event.kind in KINDS and deed_of(event) is not None:
            case = self._convicted(event)
        if case is not None:
            case.add((event,))
            changed[event.request_id] = case
            self.counters["attached"] += 1
        elif self._cases.is_settled(event.request_id):
            self.counters["late"] += 1
        else:
            self._recent.add(event, now)
            self.counters["remembered"] += 1

    def _unusual(self, event: KernelEvent, finding: Finding, changed: dict[str, Case]) -> None:
        case = self._cases.get(event.request_id)
        if case is None:
            case = self._convicted(event)
        case.unusual(event, finding)
        changed[event.request_id] = case

    def _convicted(self, event: KernelEvent) -> Case:
        """A case for a request in which the kernel saw what no rule is needed for."""
        request_id = event.request_id
        case = self._cases.begin(request_id)
        if case.trace is None:
            case.suppose(Request(request_id, start_time=event.time, process=self._process_above(event)))
            self.wanted(request_id)
        if (bucket := self._recent.take(request_id)) is not None:
            self._adopt(case, bucket)
        self.counters["convicted"] += 1
        return case

    def _process_above(self, event: KernelEvent) -> Process:
        """The app's process that this event descends from, as far as its agent is known."""
        for pid in (event.pid, event.parent_pid, *(one.pid for one in event.ancestors)):
            if (process := self._process(pid)) is not None:
                return process
        return Process(pid=event.pid, container_id=event.container_id, service=event.unit)

    def _adopt(self, case: Case, bucket: Bucket) -> None:
        bucket.events = self.calls.named(bucket.events)
        case.adopt(bucket)

    def _settled_all(self, request_ids: Iterable[str], now: int) -> list[AttackTrace]:
        """Those of the cases that are news."""
        traces = (self._settled_case(name, self._cases[name], now) for name in request_ids if name in self._cases)
        return [trace for trace in traces if trace is not None]

    def _settled_case(self, request_id: str, case: Case, now: int) -> AttackTrace | None:
        self._cases.touch(request_id, now)
        before = case.convicted
        trace = case.settle(self._witnessed, now)
        if case.convicted and not before:
            self.convicted(request_id)
        if trace is not None and trace.verdict >= Verdict.REACHED:
            self.attacked(request_id)
        return trace

    def _closed(self, request_id: str) -> None:
        self._kin.forget(request_id)
        self.calls.forget(request_id)

    def _link(self, case: Case, requests: Sequence[Request]) -> None:
        self.counters["unlinked"] += case.link(requests)

    def _expire(self, now: int) -> None:
        before = now - self._limits.window
        self._cases.expire(before)
        self._logins.expire(before)
        self._recent.expire(before)

    # kernel peers

    def _find_peer(self, case: Case, request_id: str) -> None:
        request = case.request
        found = self._peers.find_or_await(request.process.pid, request.peer, request.start_time, ("trace", request_id))
        if found is not None:
            case.accepted_from(found)

    def _claim(self, waiting: Iterable[Who], changed: dict[str, Case], logins: dict[str, LoginEvent]) -> None:
        """The connection that these wait for has been accepted."""
        for kind, name in waiting:
            if kind == "trace" and (case := self._cases.get(name)) is not None:
                self._find_peer(case, name)
                changed[name] = case
            elif kind == "login" and (login := self._logins.accepted(name)) is not None:
                logins[name] = login
