"""What one peer may take of an inspector: fixed numbers and a token bucket. No I/O."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Limits of one inspector process. Seconds, bytes, and counts."""

    connections: int = 4096
    connections_per_process: int = 512
    handshake_seconds: float = 2.0
    frame_seconds: float = 10.0
    bytes_per_second: int = 32 << 20
    frames_per_second: int = 20_000
    statuses_per_second: int = 10
    hello_bytes: int = 256 << 10
    memory_bytes: int = 64 << 20
    views: int = 8192
    views_bytes: int = 32 << 20


class Bucket:
    """Tokens that come back with time. It may go into debt once; `take` says how long to wait until it is paid."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._time = burst, 0.0

    def take(self, count: float, now: float) -> float:
        """Spend `count` tokens at `now` (monotonic seconds); the seconds that the peer must now wait, mostly 0."""
        self._tokens = min(self._burst, self._tokens + (now - self._time) * self._rate) - count
        self._time = now
        return max(0.0, -self._tokens / self._rate)


class Allowance:
    """The buckets of one process, shared by all of its connections."""

    def __init__(self, limits: Limits) -> None:
        self._bytes = Bucket(limits.bytes_per_second, 2.0 * limits.bytes_per_second)
        self._frames = Bucket(limits.frames_per_second, 2.0 * limits.frames_per_second)
        self._statuses = Bucket(limits.statuses_per_second, 20.0 * limits.statuses_per_second)

    def data(self, size: int, frames: int, now: float) -> float:
        """Seconds to read nothing more from this process."""
        return max(self._bytes.take(size, now), self._frames.take(frames, now))

    def status(self, now: float) -> bool:
        """Whether one more STATUS is within reason."""
        return self._statuses.take(1, now) == 0.0
