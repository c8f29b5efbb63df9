"""The pipeline's two queues, both bounded: evidence, which is never dropped, and kernel events, which are shed.

When too much evidence waits, its senders are paused and the agents keep it. Kernel events are shed by what they are
worth as their queue fills: file opens first, what belongs to an attack that is known last; each is counted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from msgspec import Struct

from collector.core.link import Evidence
from probes.vocabulary import ROOM, KernelEvent, worth

EVIDENCE_QUEUE = 512
"""Pieces of evidence (about 1 MiB at most, mostly far less) that may wait before the links are paused."""

EVIDENCE_BYTES = 64 << 20

KERNEL_QUEUE = 200_000
"""Kernel events that may wait; some 10 s of a very busy host, about 100 MiB at worst."""


class Delivery(Struct, frozen=True, eq=False):
    """A piece of evidence, its size in bytes as it came, and whom to tell when it is committed."""

    evidence: Evidence
    size: int
    stored: Callable[[], None]


class EvidenceQueue:
    """Deliveries in the order in which they came, and the senders that wait for room."""

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._paused: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < EVIDENCE_QUEUE and self._bytes < EVIDENCE_BYTES

    def put(self, delivery: Delivery, resume: Callable[[], None]) -> bool:
        """False when the sender should pause until `resume` is called."""
        self._waiting.append(delivery)
        self._bytes += delivery.size
        if self.has_room:
            return True
        self._paused.append(resume)
        return False

    def take(self) -> Delivery:
        """The oldest one."""
        delivery = self._waiting.popleft()
        self._bytes -= delivery.size
        return delivery

    def resume(self) -> None:
        """Let the senders go on, where there is room again."""
        if self.has_room and self._paused:
            paused, self._paused = self._paused, []
            for resume in paused:
                resume()


class KernelQueue:
    """Batches of kernel events. `concerns` says whether a request is a known attack; `dropped` are the totals by
    (stage, reason) that are counted into, `lost` the dropped events by their kind."""

    def __init__(self, concerns: Callable[[str], bool], dropped: Counter[tuple[str, str]]) -> None:
        self._concerns, self._dropped = concerns, dropped
        self._batches: deque[list[KernelEvent]] = deque()
        self.events = 0
        self.lost: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._batches)

    def put(self, events: list[KernelEvent]) -> bool:
        """Whether any found room; there is less room for what is worth less."""
        if self.events + len(events) > KERNEL_QUEUE * ROOM[0]:
            events = self._worthy(events)
        if events:
            self._batches.append(events)
            self.events += len(events)
        return bool(events)

    def tick(self) -> None:
        """Put an empty batch: nothing came."""
        self._batches.append([])

    def take(self) -> list[KernelEvent]:
        """The oldest batch."""
        events = self._batches.popleft()
        self.events -= len(events)
        return events

    def _worthy(self, events: list[KernelEvent]) -> list[KernelEvent]:
        """Those that there is still room for."""
        fits = tuple(self.events + len(events) <= KERNEL_QUEUE * part for part in ROOM)
        kept = [event for event in events if fits[2 if self._concerns(event.request_id) else worth(event)]]
        if len(kept) < len(events):
            self._dropped["pipeline", "kernel_queue_full"] += len(events) - len(kept)
            self.lost.update(event.kind for event in events)
            self.lost.subtract(event.kind for event in kept)
        return kept
