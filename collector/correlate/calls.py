"""Which request asked which without a word of tracing: by the connection between their processes.

An attack trace names the request that asked for it (`asked_by`) and those that it asked for (`asked`), and a connect in
it the service at the other end, even where nothing is known of the request there. Nothing is joined before the events
of the time in question have come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from collector.correlate.case import Case
from collector.correlate.connections import Connection, Connections
from collector.correlate.edges import Edges
from collector.model import Process, Request
from probes.vocabulary import KernelEvent

PATIENCE = 1_000_000_000
"""Nanoseconds after which events have come, even where none came since."""

MAX_OPEN = 4096


class Calls:
    """`cases` are the correlator's; `process` tells an app's process by pid, `wanted` asks for a request that nothing
    is known of. Methods return the ids of the cases that they changed."""

    def __init__(
        self, cases: Mapping[str, Case], process: Callable[[int], Process | None], wanted: Callable[[str], None]
    ) -> None:
        self._cases, self._process, self._wanted = cases, process, wanted
        self._connections = Connections()
        self.edges = Edges(self.service)
        self._callees: dict[str, dict[str, None]] = {}
        self._callers: dict[str, str] = {}
        self._open: OrderedDict[int, Connection] = OrderedDict()
        self._heard = 0

    def __len__(self) -> int:
        return len(self._connections)

    def service(self, event: KernelEvent) -> str:
        """Whose process it is; of a child the parent's."""
        known = self._process(event.pid) or self._process(event.parent_pid)
        return known.service if known is not None else ""

    def on_kernel(self, event: KernelEvent, now: int) -> set[str]:
        """Take a connect, an accept or a turn."""
        connection = self._connections.take(event)
        if connection is None:
            return set()
        if event.kind == "connect":
            self.edges.connected(connection, event)
        elif event.kind == "accept" and not connection.joined:
            self.edges.accepted(connection, now)
        self._heard = max(self._heard, event.time)
        self._look_at(connection)
        if connection.joined and event.kind != "turn":
            self.edges.joined(connection)
            return self._name(connection)
        return set()

    def heard(self, events: Sequence[KernelEvent], now: int) -> set[str]:
        """These events have been taken: what can be joined now?"""
        self.edges.expire(now)
        self._heard = max(self._heard, now - PATIENCE, *(event.time for event in events[-1:]))
        return self._due()

    def _due(self) -> set[str]:
        changed = set[str]()
        for name, connection in list(self._open.items()):
            changed |= self._pair(connection)
            if not connection.waits(self._heard):
                del self._open[name]
        return changed

    def _look_at(self, connection: Connection) -> None:
        if connection.served:
            self._open[id(connection)] = connection
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)

    def on_case(self, case: Case) -> set[str]:
        """A request is an attack trace now, or more is known of it."""
        request, changed = case.request, set[str]()
        found = self._connections.serve(request.process.pid, request.peer, request.start_time, request.request_id)
        if found is not None:
            self._look_at(found)
        changed |= self._due()
        for callee in self._callees.get(request.request_id, ()):
            changed |= self._link(request.request_id, callee)
        return changed

    def on_innocent(self, request: Request) -> set[str]:
        """Nothing was found in a request that was asked for."""
        bare, changed = replace(request, headers=(), response_headers=()), set[str]()
        for callee in self._callees.get(request.request_id, ()):
            if (case := self._cases.get(callee)) is not None:
                case.link([bare])
                changed.add(callee)
        return changed

    def named(self, events: Iterable[KernelEvent]) -> list[KernelEvent]:
        """The same, connects with the service at the other end."""
        return [self._with_service(event) if event.kind == "connect" else event for event in events]

    def forget(self, request_id: str) -> None:
        """This case is over."""
        if caller := self._callers.get(request_id):
            self._part(caller, request_id)

    def _with_service(self, event: KernelEvent) -> KernelEvent:
        known = self._connections.of(event)
        if known is None or known.accepted is None:
            return event
        return replace(event, service=self.service(known.accepted))

    def _name(self, connection: Connection) -> set[str]:
        event = connection.connected
        case = self._cases.get(event.request_id) if event is not None else None
        if event is None or case is None:
            return set()
        case.exchange(event, self._with_service(event))
        return {event.request_id}

    def _pair(self, connection: Connection) -> set[str]:
        changed = set[str]()
        for callee, caller, before in connection.changes(self._heard):
            if before:
                changed |= self._part(before, callee)
            if caller and callee in self._cases:
                self._callers[callee] = caller
                self._callees.setdefault(caller, {})[callee] = None
                changed |= self._link(caller, callee, connection)
        return changed

    def _part(self, caller: str, callee: str) -> set[str]:
        callees = self._callees.get(caller, {})
        callees.pop(callee, None)
        self._callers.pop(callee, None)
        if not callees:
            self._callees.pop(caller, None)
        if (above := self._cases.get(caller)) is not None:
            above.asked_no_more(callee)
        if (below := self._cases.get(callee)) is not None:
            below.asked_by_nobody()
        return {one for one in (caller, callee) if one in self._cases}

    def _link(self, caller: str, callee: str, connection: Connection | None = None) -> set[str]:
        below, above = self._cases.get(callee), self._cases.get(caller)
        if below is None:
            return set()
        if above is None:
            below.asked_by(self._supposed(caller, connection))
            self._wanted(caller)
            return {callee}
        below.asked_by(replace(above.request, headers=(), response_headers=()))
        above.asked(replace(below.request, headers=(), response_headers=()))
        return {caller, callee}

    def _supposed(self, request_id: str, connection: Connection | None) -> Request:
        """What may be said of a request of which only its connection is known."""
        event = connection.connected if connection is not None else None
        if event is None:
            return Request(request_id)
        return Request(request_id, process=self._process(event.pid) or Process(event.pid))
