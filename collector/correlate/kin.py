"""Requests of one W3C trace: the innocent ones are remembered for a while, so that an attack keeps its way in and out.

Only requests that asked others of their trace, or were asked by others, come here. Bounded by count, the oldest go
first. A client chooses its trace id: so one trace has a bounded part in it, and costs a bounded amount of work.
"""

from __future__ import annotations

from collections import OrderedDict

from collector.model import Request

SECOND = 1_000_000_000
MAX_OF_TRACE = 64
"""Innocent requests, and cases, of one trace id."""


class Kin:
    """Innocent requests and cases by trace id. `evicted` counts the requests that found no room, or had to go before
    their `age` (ns)."""

    def __init__(self, size: int = 8192, age: int = 600 * SECOND) -> None:
        self._size, self._age = size, age
        self._clean: OrderedDict[str, tuple[Request, int]] = OrderedDict()
        self._by_trace: dict[str, set[str]] = {}
        self._cases: dict[str, dict[str, None]] = {}
        self._trace_of: dict[str, str] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._clean)

    def innocent(self, request: Request, now: int) -> list[str]:
        """Remember a request; the ids of the cases of its trace."""
        if not request.trace_id:
            return []
        self._drop(request.request_id)
        names = self._by_trace.setdefault(request.trace_id, set())
        if len(names) < MAX_OF_TRACE:
            names.add(request.request_id)
            self._clean[request.request_id] = (request, now)
        else:
            self.evicted += 1
        while self._clean and next(iter(self._clean.values()))[1] < now - self._age:
            self._drop(next(iter(self._clean)))
        while len(self._clean) > self._size:
            self._drop(next(iter(self._clean)))
            self.evicted += 1
        return list(self._cases.get(request.trace_id, ()))

    def attack(self, request: Request) -> list[Request]:
        """This request is a case now; the innocent ones of its trace, by their start."""
        if not request.trace_id:
            return []
        self._drop(request.request_id)
        if self._trace_of.get(request.request_id) != request.trace_id:  # a tracer may have begun later
            self.forget(request.request_id)
            cases = self._cases.setdefault(request.trace_id, {})
            if len(cases) < MAX_OF_TRACE:
                self._trace_of[request.request_id] = request.trace_id
                cases[request.request_id] = None
        known = (self._clean[name][0] for name in self._by_trace.get(request.trace_id, ()))
        return sorted(known, key=lambda one: (one.start_time, one.request_id))

    def forget(self, request_id: str) -> None:
        """This case is over."""
        trace_id = self._trace_of.pop(request_id, "")
        cases = self._cases.get(trace_id, {})
        cases.pop(request_id, None)
        if not cases:
            self._cases.pop(trace_id, None)

    def _drop(self, request_id: str) -> None:
        request, _ = self._clean.pop(request_id, (None, 0))
        if request is not None:
            names = self._by_trace[request.trace_id]
            names.discard(request_id)
            if not names:
                del self._by_trace[request.trace_id]
