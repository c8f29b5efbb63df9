"""Kernel events by request, before anybody knows whether the request is an attack. Bounded; the oldest go first."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from collector.correlate.noise import imported, noisy
from probes.vocabulary import KernelEvent

EVENT_OVERHEAD = 600
"""Bytes that an event takes besides its texts, about."""


class Bucket(Struct):
    """The events of one request, in order of arrival, at most `cap`; `dropped` did not fit. `touched`: ns."""

    cap: int
    events: list[KernelEvent] = []
    dropped: int = 0
    size: int = 0
    touched: int = 0
    noise: int = 0
    """How many of them are start-up noise."""

    passed: int = 0
    """So many of the first ones are no modules."""

    def add(self, event: KernelEvent) -> None:
        """Keep an event. A full bucket gives up start-up noise for what is not noise, then the oldest modules that were
        opened: what comes of an input is done after the imports that it needs. Else the newcomer is dropped."""
        quiet = noisy(event)
        if len(self.events) >= self.cap:
            self.dropped += 1
            if quiet or not self._give_up():
                return
        self.noise += quiet
        self.events.append(event)
        self.size += weight(event)

    def _give_up(self) -> bool:
        """Make room for one; False where all that is kept is worth as much as anything."""
        if self.noise:
            spare = next(i for i, old in enumerate(self.events) if noisy(old))
            self.noise -= 1
            self.passed -= spare < self.passed
        else:
            while self.passed < len(self.events) and not imported(self.events[self.passed]):
                self.passed += 1
            spare = self.passed
        if spare < len(self.events):
            self.size -= weight(self.events.pop(spare))
            return True
        return False


class Recent:
    """Buckets by request id, the longest untouched first. `evicted` counts the events that had to go unclaimed."""

    def __init__(self, max_requests: int, max_bytes: int, cap: int) -> None:
        self._max_requests, self._max_bytes, self._cap = max_requests, max_bytes, cap
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._size = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._buckets)

    @property
    def size(self) -> int:
        """Bytes held, about."""
        return self._size

    def add(self, event: KernelEvent, now: int) -> None:
        """Remember an event under its request id."""
        bucket = self._buckets.get(event.request_id)
        if bucket is None:
            bucket = self._buckets[event.request_id] = Bucket(self._cap)
        before = bucket.size
        bucket.add(event)
        bucket.touched = now
        self._size += bucket.size - before
        self._buckets.move_to_end(event.request_id)
        while len(self._buckets) > self._max_requests or self._size > self._max_bytes:
            self._evict()

    def take(self, request_id: str) -> Bucket | None:
        """Hand over what is known of a request, and forget it here."""
        bucket = self._buckets.pop(request_id, None)
        self._size -= bucket.size if bucket else 0
        return bucket

    def expire(self, before: int) -> None:
        """Forget the requests that nobody has mentioned since `before` (ns)."""
        while self._buckets and next(iter(self._buckets.values())).touched < before:
            self._evict()

    def _evict(self) -> None:
        _, bucket = self._buckets.popitem(last=False)
        self._size -= bucket.size
        self.evicted += len(bucket.events)


def weight(event: KernelEvent) -> int:
    """About how many bytes an event holds."""
    size = EVENT_OVERHEAD + len(event.path)
    return size + sum(len(word) + 50 for word in event.argv) if event.argv else size
