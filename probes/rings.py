"""The kernel's ring buffers, read through libbpf: what they hold, oldest first, a bite at a time."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence

from probes.distribution import MissingError

BITE = 1 << 20
"""Bytes that are held of a ring: what waits in the kernel costs no memory of ours, and what was taken is decoded."""

SAMPLE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
STOP = -1


def prepare(library: ctypes.CDLL) -> None:
    """Say what the functions take and give."""
    library.ring_buffer__new.restype = ctypes.c_void_p
    library.ring_buffer__new.argtypes = [ctypes.c_int, SAMPLE, ctypes.c_void_p, ctypes.c_void_p]
    for name in ("consume", "free", "epoll_fd"):
        getattr(library, f"ring_buffer__{name}").argtypes = [ctypes.c_void_p]


class Ring:
    """One of them, by the descriptor of its map; raises MissingError where it cannot be read. `samples`: what was taken
    and not given away yet."""

    def __init__(self, library: ctypes.CDLL, descriptor: int) -> None:
        self._library, self._callback = library, SAMPLE(self._sample)
        self._ring = library.ring_buffer__new(descriptor, self._callback, None, None)
        if not self._ring:
            raise MissingError(f"the ring buffers cannot be read: {os.strerror(ctypes.get_errno())}")
        self.samples: list[bytes] = []
        self._room = BITE

    def _sample(self, _context: int, data: int, size: int) -> int:
        self.samples.append(ctypes.string_at(data, size))
        self._room -= size
        return 0 if self._room > 0 else STOP

    def fill(self) -> bool:
        """Take what waits, up to a bite; whether that was not all."""
        if self._room > 0:
            self._library.ring_buffer__consume(self._ring)
        return self._room <= 0

    def give(self, horizon: int | None) -> list[bytes]:
        """Those that happened until then (ns), or all."""
        given, self.samples = self.samples, []
        if horizon is not None:
            self.samples = [sample for sample in given if happened(sample) > horizon]
            given = [sample for sample in given if happened(sample) <= horizon] if self.samples else given
        self._room = BITE - sum(map(len, self.samples))
        return given

    def fileno(self) -> int:
        """Readable where something waits; a program that writes to the ring without a wake-up wakes nobody."""
        return int(self._library.ring_buffer__epoll_fd(self._ring))

    def close(self) -> None:
        self._library.ring_buffer__free(self._ring)


def happened(sample: bytes) -> int:
    """When, on the kernel's monotonic clock, ns."""
    return int.from_bytes(sample[:8], sys.byteorder)


def drain(rings: Sequence[Ring]) -> tuple[list[bytes], bool]:
    """A bite of what waits, oldest first over all rings, and whether there is more. Where a ring holds more than was
    taken, what is younger than its last waits for the next time."""
    cut = [ring for ring in rings if ring.fill()]
    horizon = min((happened(ring.samples[-1]) for ring in cut), default=None)
    filled = [given for ring in rings if (given := ring.give(horizon))]
    samples = [sample for given in filled for sample in given]
    return (sorted(samples, key=happened) if len(filled) > 1 else samples), bool(cut)
