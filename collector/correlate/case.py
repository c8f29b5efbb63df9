"""One request under attack: its reports, its kernel events, and the trace that they come to."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from collector.correlate import deeds
from collector.correlate.events import Bucket
from collector.correlate.ladder import evidence
from collector.correlate.noise import noisy
from collector.model import Action, AttackTrace, Finding, Operation, Peer, Request, RequestReport, Verdict
from probes.vocabulary import KernelEvent

MAX_FINDINGS = 64
MAX_LINKED = 32
"""Innocent requests of the same trace that one attack trace keeps."""

FindingKey = tuple[str, str, str, int, int]


class Case:
    """What is known of one request. `trace` is the last state handed out; `touched` (ns) is for whoever forgets."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._findings: dict[FindingKey, Finding] = {}
        self._operations: dict[int, Operation] = {}
        self._linked: dict[str, Request] = {}
        self._asked_by = ""
        self._asked: dict[str, None] = {}
        self._events: list[KernelEvent] = []
        self._dropped = 0
        self._unusual: list[KernelEvent] = []
        self._first_seen: set[FindingKey] = set()
        self._request = Request("")
        self._final = False
        self._kernel_peer = Peer()
        self._proven = False
        self.trace: AttackTrace | None = None
        self.touched = 0

    @classmethod
    def recalled(cls, trace: AttackTrace, cap: int) -> Case:
        """A case that goes on from a stored trace: what it said is kept, whatever else comes."""
        case = cls(cap)
        case._request, case._kernel_peer, case.trace = trace.request, trace.request.kernel_peer, trace
        case._findings = {_key(finding): finding for finding in trace.findings}
        case._operations = {operation.index: operation for operation in trace.operations}
        case._linked = {request.request_id: request for request in trace.linked}
        case._asked_by, case._asked = trace.asked_by, dict.fromkeys(trace.asked)
        case._events, case._dropped = list(trace.kernel_events), trace.kernel_events_dropped
        return case

    @property
    def request(self) -> Request:
        return self._request

    @property
    def convicted(self) -> bool:
        """Whether the kernel has confirmed an attack; what a service does for the first time need be none."""
        findings = self.trace.findings if self.trace else ()
        return any(one.stage is Verdict.CONFIRMED and _key(one) not in self._first_seen for one in findings)

    def suppose(self, request: Request) -> None:
        """What may be said of a request of which only the kernel has spoken yet."""
        self._request = request

    def report(self, report: RequestReport) -> None:
        """Merge a report: a final one replaces what an early one said of the request; findings only grow."""
        if report.final or not self._final:
            self._request, self._final = report.request, report.final
            self._operations |= {operation.index: operation for operation in report.operations}
        for finding in report.findings:
            self._find(finding)

    def _find(self, finding: Finding) -> None:
        if _key(finding) in self._findings or len(self._findings) < MAX_FINDINGS:
            self._findings[_key(finding)] = finding

    def adopt(self, bucket: Bucket) -> None:
        """Take over the events that came before the first report."""
        self._dropped += bucket.dropped
        self.add(bucket.events)

    def add(self, events: Iterable[KernelEvent]) -> None:
        """Attach events. Above the cap they are dropped and counted, but for the first one that is evidence."""
        for event in events:
            if len(self._events) < self._cap:
                insort(self._events, event, key=lambda one: one.time)
                continue
            self._dropped += 1
            if not self._proven and self._proves(event):
                self._proven = True
                del self._events[-1]
                insort(self._events, event, key=lambda one: one.time)

    def unusual(self, event: KernelEvent, finding: Finding) -> None:
        """An event that is a finding by itself, whatever else comes; it is kept above the cap, too."""
        before = len(self._findings)
        self._find(finding)
        self._first_seen.add(_key(finding))
        if len(self._findings) == before:
            return
        if finding.stage is Verdict.CONFIRMED:
            self._unusual.append(event)
        if not any(event is one for one in self._events):
            insort(self._events, event, key=lambda one: one.time)

    def link(self, requests: Iterable[Request]) -> int:
        """Keep innocent requests of the same trace; how many found no room."""
        left_out = 0
        for request in requests:
            if request.request_id in self._linked or len(self._linked) < MAX_LINKED:
                self._linked[request.request_id] = request
            else:
                left_out += 1
        return left_out

    def asked_by(self, request: Request) -> None:
        """By its connection, that request asked for this one."""
        self._asked_by = request.request_id
        if request.start_time or request.request_id not in self._linked:
            self.link([request])

    def asked_by_nobody(self) -> None:
        """It was another request, or that cannot be said."""
        self._linked.pop(self._asked_by, None)
        self._asked_by = ""

    def asked(self, request: Request) -> None:
        """By its connection, this request asked for that one."""
        if len(self._asked) < MAX_LINKED:
            self._asked[request.request_id] = None
            self.link([request])

    def asked_no_more(self, request_id: str) -> None:
        """It was another request that asked for that one."""
        self._asked.pop(request_id, None)
        self._linked.pop(request_id, None)

    def exchange(self, event: KernelEvent, better: KernelEvent) -> None:
        """More is known of an event."""
        for events in (self._events, self._unusual):
            events[:] = [better if one is event else one for one in events]

    def accepted_from(self, peer: Peer) -> None:
        """The kernel saw this connection."""
        self._kernel_peer = peer

    def settle(self, witnessed: Callable[[int], bool], now: int) -> AttackTrace | None:
        """The trace as it stands, or None where that is no news."""
        events = tuple(self._events)
        done = deeds.findings(enumerate(events))
        for finding in reversed(done.values()):  # of several that are alike the first stays
            self._find(finding)
        operations = tuple(self._operations.values())
        found = {key: evidence(one, operations, events) for key, one in self._concluded()}
        proofs = set[int]().union(*found.values(), (i for i, one in done.items() if one.stage is Verdict.CONFIRMED))
        if self._unusual:
            proofs |= {i for i, event in enumerate(events) if any(event is one for one in self._unusual)}
        self._proven = bool(proofs)
        findings = self._with_confirmed([key for key, indexes in found.items() if indexes])
        kept = [i for i, event in enumerate(events) if i in proofs or not noisy(event)]
        new = AttackTrace(
            id=self._request.request_id,
            verdict=max((finding.stage for finding in findings), default=Verdict.NONE),
            action=self._action(), request=replace(self._request, kernel_peer=self._kernel_peer),
            findings=findings, operations=tuple(self._operations[i] for i in sorted(self._operations)),
            kernel_events=tuple(events[i] for i in kept),
            evidence=tuple(at for at, i in enumerate(kept) if i in proofs) or self._old_evidence(events, kept),
            kernel_events_dropped=self._dropped,
            unwitnessed=not events and self._unwatched(witnessed), update_time=now, linked=tuple(self._linked.values()),
            asked_by=self._asked_by, asked=tuple(self._asked),
        )  # fmt: skip
        if self.trace is not None and replace(new, update_time=self.trace.update_time) == self.trace:
            return None
        self.trace = new
        return new

    def _with_confirmed(self, keys: list[FindingKey]) -> tuple[Finding, ...]:
        """Every finding as it may be stored. Once confirmed it stays so, whatever a later report says."""
        for key in keys:
            confirmed = replace(self._findings[key], stage=Verdict.CONFIRMED)
            self._findings.setdefault(_key(confirmed), confirmed)
        return tuple(replace(finding, probe_text="") for finding in self._findings.values())

    def _action(self) -> Action:
        if any(operation.blocked for operation in self._operations.values()):
            return Action.BLOCKED
        return max((finding.action for finding in self._findings.values()), default=Action.MONITORED)

    def _old_evidence(self, events: tuple[KernelEvent, ...], kept: list[int]) -> tuple[int, ...]:
        """After a recall the un-redacted inputs are gone: what was evidence stays evidence."""
        if self.trace is None or not self.trace.evidence:
            return ()
        old = [self.trace.kernel_events[i] for i in self.trace.evidence]
        return tuple(at for at, i in enumerate(kept) if events[i] in old)

    def _unwatched(self, witnessed: Callable[[int], bool]) -> bool:
        """Whether nobody watched the process when the request was first heard of."""
        return self.trace.unwitnessed if self.trace else not witnessed(self._request.process.pid)

    def _proves(self, event: KernelEvent) -> bool:
        """Whether this event is evidence by itself."""
        if deeds.deed_of(event) is not None:
            return True
        operations = tuple(self._operations.values())
        return any(evidence(finding, operations, (event,)) for _, finding in self._concluded())

    def _concluded(self) -> list[tuple[FindingKey, Finding]]:
        """The findings that may be confirmed: of an attempt that reached something, what it reached."""
        reached = {one.category for one in self._findings.values() if one.stage is Verdict.REACHED}
        return [
            (key, one)
            for key, one in self._findings.items()
            if one.stage is not Verdict.ATTEMPTED or one.category not in reached
        ]


def _key(finding: Finding) -> FindingKey:
    return finding.rule_id, finding.location, finding.parameter, int(finding.stage), finding.operation_index
