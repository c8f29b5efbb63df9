"""How often who asked, counted by several processes in one table of fixed size, in shared memory without a name.

A sliding window out of two fixed ones: what the window before counted fades out while this one goes on. Nobody locks:
where two processes count the same at the same moment, one of the two may be lost. Where a set of slots is full, the
one that counts least goes. Keys are digests with a secret of this table, so that nobody can aim at another's slot.

A second table says what of a request was counted already, and what came of it, as it is asked about more than once.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import mmap
import os
import struct
import time
from hashlib import blake2b

SECRET = 16
WAYS, SETS = 8, 1 << 14
"""131,072 slots: so many clients are counted at a time, 24 bytes each."""

REQUESTS = 1 << 16
"""Requests that are remembered, 16 bytes each: the last ones, whatever their number."""

_SLOT = struct.Struct(
    "<QIIII"
)  # key, start of the window (s), when the slot is worth nothing, counted in it, before it
_SET = struct.Struct("<" + "QIIII" * WAYS)
_REQUEST = struct.Struct("<QII")  # id, what was counted, the limit that refused it
_SLOTS_AT = 64
_REQUESTS_AT = _SLOTS_AT + SETS * WAYS * _SLOT.size
SIZE = _REQUESTS_AT + REQUESTS * _REQUEST.size
SECOND = 1_000_000_000
MOST = (1 << 32) - 1


def shared() -> int:
    """The descriptor of a new table, which cannot be made smaller any more; raises OSError."""
    descriptor = os.memfd_create("cowitness-counts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, SIZE)
    os.write(descriptor, os.urandom(SECRET))
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


class Counts:
    """The table behind a descriptor; without one, a table of this process alone."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._memory = mmap.mmap(-1 if descriptor is None else descriptor, SIZE)
        if descriptor is None:
            self._memory[:SECRET] = os.urandom(SECRET)
        self._secret = bytes(self._memory[:SECRET])

    def hit(self, what: str, who: str, most: int, seconds: int, always: bool = False, now: int = 0) -> float:
        """Count once; 0, or the seconds to wait where that is more than `most` in so many seconds: then it is not
        counted, unless `always`."""
        now = now or time.monotonic_ns()
        start = now // SECOND // seconds * seconds
        key = self._digest(f"{seconds} {what}\0{who}")
        offset, current, before = self._find(key, start, seconds, now // SECOND)
        share = (now - start * SECOND) / (seconds * SECOND)
        over = before * (1 - share) + current + 1 > most
        if always or not over:
            current = min(current + 1, MOST)
        _SLOT.pack_into(self._memory, offset, key, start, start + 2 * seconds, current, before)
        return _wait(before, current, most, share) * seconds if over else 0.0

    def known(self, request: int) -> tuple[int, int]:
        """What was counted of a request, as bits, and the number of the limit that it went beyond; 0 for none."""
        found, bits, limit = _REQUEST.unpack_from(self._memory, self._place(request))
        return (bits, limit) if found == request else (0, 0)

    def note(self, request: int, bits: int, limit: int) -> None:
        """Remember that."""
        _REQUEST.pack_into(self._memory, self._place(request), request, bits, limit)

    def close(self) -> None:
        with contextlib.suppress(BufferError):
            self._memory.close()

    def _place(self, request: int) -> int:
        return _REQUESTS_AT + request % REQUESTS * _REQUEST.size

    def _digest(self, text: str) -> int:
        return int.from_bytes(blake2b(text.encode(), digest_size=8, key=self._secret).digest(), "little") or 1

    def _find(self, key: int, start: int, seconds: int, now: int) -> tuple[int, int, int]:
        """Where to count, what this window has counted, and the one before it."""
        first = _SLOTS_AT + key % SETS * WAYS * _SLOT.size
        slots = _SET.unpack_from(self._memory, first)
        if key in slots[::5]:
            place = slots[::5].index(key)
            began, _, current, before = slots[place * 5 + 1 : place * 5 + 5]
            offset = first + place * _SLOT.size
            if began == start:
                return offset, current, before
            return offset, 0, current if began + seconds == start else 0
        worth = [current + before if ends > now else -1
                 for ends, current, before in zip(slots[2::5], slots[3::5], slots[4::5], strict=True)]  # fmt: skip
        return first + worth.index(min(worth)) * _SLOT.size, 0, 0


def _wait(before: int, current: int, most: int, share: float) -> float:
    """Until one more is within the limit, in windows."""
    if current < most:
        return max(0.0, 1 - (most - 1 - current) / before - share) if before else 0.0
    return 1 - share + 1 - (most - 1) / current


def retry_after(seconds: float) -> str:
    """A header's value: whole seconds, never too few."""
    return str(max(1, math.ceil(seconds)))
