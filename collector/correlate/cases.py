"""The requests that are attack traces now, and those that are decided. Bounded in number and time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from collector.correlate.case import Case
from collector.model import AttackTrace

SECOND = 1_000_000_000


class Limits(Struct, frozen=True):
    """`window` in ns; `max_requests` of each kind of memory; `max_bytes` of events that nobody has claimed."""

    window: int = 60 * SECOND
    max_requests: int = 20_000
    max_events_per_trace: int = 512
    max_bytes: int = 32 << 20
    max_cases: int = 4096


class Cases(OrderedDict[str, Case]):
    """Cases by request id, the longest untouched first. `recall` gives a stored trace by id, `closed` is told the id
    of each case that is forgotten."""

    def __init__(
        self, limits: Limits, recall: Callable[[str], AttackTrace | None], closed: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._limits, self._recall, self._closed = limits, recall, closed
        self._settled: OrderedDict[str, None] = OrderedDict()

    def begin(self, request_id: str, old: bool = False) -> Case:
        """A fresh case, or the stored trace's where the request is settled, or so `old` that it may be known from
        before this memory."""
        stored = self._recall(request_id) if old or request_id in self._settled else None
        cap = self._limits.max_events_per_trace
        case = self[request_id] = Case.recalled(stored, cap) if stored is not None else Case(cap)
        return case

    def touch(self, request_id: str, now: int) -> None:
        """There is news of this case; those that are too many are closed."""
        self[request_id].touched = now
        self.move_to_end(request_id)
        while len(self) > self._limits.max_cases:
            self._close_oldest()

    def expire(self, before: int) -> None:
        """Close the cases that nobody has mentioned since `before` (ns)."""
        while self and next(iter(self.values())).touched < before:
            self._close_oldest()

    def settle(self, request_id: str) -> None:
        """Remember that this request is decided, so that late events find nothing to begin anew."""
        self._settled[request_id] = None
        while len(self._settled) > self._limits.max_requests:
            self._settled.popitem(last=False)

    def is_settled(self, request_id: str) -> bool:
        return request_id in self._settled

    def _close_oldest(self) -> None:
        request_id, _ = self.popitem(last=False)
        self._closed(request_id)
        self.settle(request_id)
