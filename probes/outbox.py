"""What waits to be sent to the core: bounded, non-blocking, and what does not fit is counted."""

from __future__ import annotations

import socket
from collections import Counter, deque

from probes import frames
from probes.vocabulary import EVENTS, ROOM, Events, KernelEvent, worth

BATCH = 1000
LIMIT = 24 << 20


class Outbox:
    """Frames on their way into a non-blocking socket. Control frames are never dropped; event batches are."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._frames: deque[bytes] = deque()
        self._size = 0
        self.lost: Counter[str] = Counter()

    @property
    def dropped(self) -> int:
        """Events that found no room."""
        return self.lost.total()

    @property
    def size(self) -> int:
        """Bytes that wait for the core."""
        return self._size

    def put(self, kind: int, sequence: int, body: object) -> None:
        """Queue a control frame."""
        self._add(frames.encode(kind, sequence, body))

    def put_events(self, events: list[KernelEvent]) -> None:
        """Queue events in batches. What is worth least is dropped and counted from half of LIMIT on, what is
        worth most at all of it."""
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            if self._size > LIMIT * ROOM[0]:
                batch = self._worthy(batch)
            if batch:
                self._put_batch(batch)

    def _worthy(self, batch: list[KernelEvent]) -> list[KernelEvent]:
        """Those that there is still room for."""
        fits = tuple(self._size <= LIMIT * part for part in ROOM)
        self.lost.update(event.kind for event in batch if not fits[worth(event)])
        return [event for event in batch if fits[worth(event)]]

    def _put_batch(self, batch: list[KernelEvent]) -> None:
        frame = frames.encode(EVENTS, 0, Events(batch))
        if len(frame) <= frames.MAX_BODY:
            self._add(frame)
        elif len(batch) == 1:
            self.lost[batch[0].kind] += 1
        else:  # long command lines: a smaller batch fits
            self._put_batch(batch[: len(batch) // 2])
            self._put_batch(batch[len(batch) // 2 :])

    def _add(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._size += len(frame)

    def flush(self) -> bool:
        """Send what the socket takes now; True when nothing waits any more. OSError where the peer is gone."""
        while self._frames:
            frame = self._frames[0]
            try:
                sent = self._socket.send(frame)
            except BlockingIOError:
                return False
            self._size -= sent
            if sent < len(frame):
                self._frames[0] = frame[sent:]
                return False
            self._frames.popleft()
        return True
