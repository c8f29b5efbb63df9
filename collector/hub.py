"""News for watchers: what was just stored, to each watcher's own bounded queue. Used by one event loop only."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, TypeVar

from collector.model import AttackTrace, LoginEvent

T = TypeVar("T")

ROOM = 512
"""Records that wait for one watcher. They are shared between watchers and with nobody else."""

MAX_WATCHERS = 64


class TooManyWatchersError(Exception):
    """No more watchers now."""


class Watcher(Generic[T]):
    """One watcher's queue. When it is full the oldest record goes and is counted in `missed`: the newest state of the
    world is worth more to somebody who is late."""

    def __init__(self, wanted: Callable[[T], bool], room: int, leave: Callable[[Watcher[T]], None]) -> None:
        self._wanted, self._leave = wanted, leave
        self._waiting: deque[T] = deque(maxlen=room)
        self._news = asyncio.Event()
        self.missed = 0

    def offer(self, records: Sequence[T]) -> int:
        """Queue what this watcher wants of these; how many older ones had to go."""
        before = self.missed
        for record in records:
            if self._wanted(record):
                self.missed += len(self._waiting) == self._waiting.maxlen
                self._waiting.append(record)
                self._news.set()
        return self.missed - before

    async def next(self) -> T:
        """The next record, waiting for it. `missed` is the total up to it."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Want nothing more."""
        self._leave(self)

    def __enter__(self) -> Watcher[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Hub:
    """Takes what the pipeline committed. `missed` counts what slow watchers did not get, by what they watch."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._traces: set[Watcher[AttackTrace]] = set()
        self._logins: set[Watcher[LoginEvent]] = set()
        self.missed: Counter[str] = Counter()

    def publish(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        """Tell every watcher; never waits."""
        for trace_watcher in self._traces:
            self.missed["traces"] += trace_watcher.offer(traces)
        for login_watcher in self._logins:
            self.missed["logins"] += login_watcher.offer(logins)

    def watch_traces(self, wanted: Callable[[AttackTrace], bool] = lambda _: True) -> Watcher[AttackTrace]:
        """A watcher from now on, to be closed; raises TooManyWatchersError."""
        return self._join(self._traces, wanted)

    def watch_logins(self, wanted: Callable[[LoginEvent], bool] = lambda _: True) -> Watcher[LoginEvent]:
        """A watcher from now on, to be closed; raises TooManyWatchersError."""
        return self._join(self._logins, wanted)

    @property
    def watchers(self) -> int:
        return len(self._traces) + len(self._logins)

    def _join(self, watchers: set[Watcher[T]], wanted: Callable[[T], bool]) -> Watcher[T]:
        if self.watchers >= MAX_WATCHERS:
            raise TooManyWatchersError(f"there are {MAX_WATCHERS} watchers already")
        watcher: Watcher[T] = Watcher(wanted, self._room, watchers.discard)
        watchers.add(watcher)
        return watcher
