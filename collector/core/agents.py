"""The registry of agents: one entry per app process, as last heard. Bounded; what is gone is kept for an hour."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from collector.inventory import Agent
from collector.model import Process

MAX_AGENTS = 4096
KEEP = 3600 * 1_000_000_000
"""Nanoseconds that a disconnected agent stays listed."""


class Entry(Struct):
    """An agent and how many stream connections it has at each inspector."""

    agent: Agent
    streams: Counter[int]


class Agents:
    """Agents by pid. `on_opened` hears of every stream connection, `on_status` of what known agents say."""

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._entries: dict[int, Entry] = {}
        self.on_opened: Callable[[Agent], None] = lambda agent: None
        self.on_status: Callable[[Agent], None] = lambda agent: None

    def opened(self, inspector: int, agent: Agent) -> None:
        """A stream connection of this process came up."""
        entry = self._entries.pop(agent.process.pid, None)
        if entry is not None and entry.streams:
            agent = replace(agent, connect_time=entry.agent.connect_time, witnessed=entry.agent.witnessed)
        streams = entry.streams if entry is not None else Counter()
        streams[inspector] += 1
        self._entries[agent.process.pid] = Entry(replace(agent, connected=True, last_seen_time=self._now()), streams)
        self._trim()
        self.on_opened(agent)

    def closed(self, inspector: int, pid: int) -> bool:
        """A stream connection ended; True when it was the last one of its process."""
        entry = self._entries.get(pid)
        if entry is None or not entry.streams:
            return False
        entry.streams[inspector] -= 1
        return self._settle(entry)

    def inspector_lost(self, inspector: int) -> list[int]:
        """An inspector died with its connections; the pids that have none left."""
        lost = []
        for pid, entry in self._entries.items():
            if entry.streams.pop(inspector, 0) and self._settle(entry):
                lost.append(pid)
        return lost

    def status(self, agent: Agent) -> None:
        """Take over what an agent says of itself; unknown agents are ignored."""
        entry = self._entries.get(agent.process.pid)
        if entry is not None:
            entry.agent = replace(
                entry.agent, mode=agent.mode, hooks=agent.hooks, counters=agent.counters, last_seen_time=self._now(),
                policy_version=agent.policy_version,
            )  # fmt: skip
            self.on_status(entry.agent)

    def process(self, pid: int) -> Process | None:
        """What is known of an app's process; None for others."""
        entry = self._entries.get(pid)
        return entry.agent.process if entry is not None else None

    def service(self, pid: int) -> str:
        """The service that this process belongs to; empty where its agent names none, and for others."""
        found = self.process(pid)
        return found.service if found is not None else ""

    def heard(self, pids: Iterable[int]) -> None:
        """These processes sent something."""
        for pid in pids:
            if (entry := self._entries.get(pid)) is not None:
                entry.agent = replace(entry.agent, last_seen_time=self._now())

    def witnessed(self, pids: Iterable[int], witnessed: bool) -> list[int]:
        """The kernel side watches (or not) these processes; those for which that is news."""
        changed = []
        for pid in pids:
            entry = self._entries.get(pid)
            if entry is not None and entry.agent.witnessed != witnessed:
                entry.agent = replace(entry.agent, witnessed=witnessed)
                changed.append(pid)
        return changed

    def connected(self) -> list[int]:
        """Pids with a stream connection."""
        return [pid for pid, entry in self._entries.items() if entry.agent.connected]

    def watched(self) -> list[int]:
        """Pids that the kernel side watches, as far as we know."""
        return [pid for pid, entry in self._entries.items() if entry.agent.witnessed]

    def is_witnessed(self, pid: int) -> bool:
        """Whether the kernel side watches this process."""
        entry = self._entries.get(pid)
        return entry is not None and entry.agent.witnessed

    def listed(self) -> list[Agent]:
        """Everyone, the latest connection first."""
        self._trim()
        agents = [entry.agent for entry in self._entries.values()]
        return sorted(agents, key=lambda agent: (agent.connect_time, agent.process.pid), reverse=True)

    def _settle(self, entry: Entry) -> bool:
        entry.streams += Counter()  # drops zero counts
        if entry.streams:
            return False
        entry.agent = replace(entry.agent, connected=False, last_seen_time=self._now())
        return True

    def _trim(self) -> None:
        """Forget the disconnected after an hour, and the longest disconnected (else the oldest) above the limit."""
        oldest = self._now() - KEEP
        for pid, entry in list(self._entries.items()):
            if not entry.agent.connected and entry.agent.last_seen_time < oldest:
                del self._entries[pid]
        while len(self._entries) > MAX_AGENTS:
            items = self._entries.items()
            pid, _ = min(items, key=lambda item: (item[1].agent.connected, item[1].agent.last_seen_time))
            del self._entries[pid]
