"""Behaviour in the core: the watcher gets what it learns from, its profiles outlive a restart, the API may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from collector.behaviour import keep
from collector.behaviour.export import policy
from collector.behaviour.profile import Profile
from collector.behaviour.watcher import Watcher
from collector.core.agents import Agents
from collector.correlate import Correlator
from collector.enforcement_settings import policy_of
from collector.inventory import FirstSeen, ServiceBehaviour, ServiceVersion
from collector.model import Finding
from probes.vocabulary import KernelEvent

KEEP_SECONDS = 60.0

log = structlog.get_logger()


class Behaviour:
    """`failed` counts kernel events that the watcher could not look at."""

    def __init__(self, watcher: Watcher, directory: Path) -> None:
        self._watcher, self._directory = watcher, directory
        self.failed = 0

    def join(self, agents: Agents, correlator: Correlator) -> None:
        """Take in what was kept, and begin."""
        self._watcher.profiles = keep.load(self._directory)
        agents.on_opened, agents.on_status = self._watcher.opened, self._watcher.status
        correlator.unusual, correlator.attacked = self.unusual, self._watcher.attacked

    def unusual(self, events: Sequence[KernelEvent]) -> Sequence[tuple[KernelEvent, Finding]]:
        """An error costs the behaviour of these events, is counted and said, and nothing else."""
        try:
            return self._watcher.take(events)
        except Exception:
            self.failed += len(events)
            log.exception("behaviour could not be watched")
            return ()

    async def run(self) -> None:
        """Keep what has changed, now and then."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            try:
                self._watcher.changed.update(await asyncio.to_thread(keep.write, self._directory, self._unkept()))
            except Exception:
                log.exception("behaviour could not be kept")

    def close(self) -> None:
        keep.write(self._directory, self._unkept())

    def all(self) -> list[ServiceBehaviour]:
        """Every service, in the order in which they were met."""
        return list(map(shown, self._watcher.profiles.values()))

    def of(self, service: str) -> ServiceBehaviour | None:
        found = self._watcher.profiles.get(service)
        return shown(found) if found is not None else None

    def forget(self, service: str) -> bool:
        """Learn it anew; False where nothing is known of it."""
        return self._watcher.forget(service)

    def totals(self) -> dict[str, int]:
        counts = {f"behaviour.{name}": count for name, count in self._watcher.counters.items()}
        return counts | {"behaviour.services": len(self._watcher.profiles), "dropped.behaviour.error": self.failed}

    def _unkept(self) -> list[tuple[str, bytes]]:
        changed, self._watcher.changed = self._watcher.changed, set()
        return keep.encoded(self._watcher.profiles[service] for service in sorted(changed))


def shown(profile: Profile) -> ServiceBehaviour:
    """As the API tells it."""
    written, missing = policy(profile)
    novel = []
    for key, one in profile.novel.items():
        kind, _, name = key.partition(" ")
        novel.append(FirstSeen(kind, name, one.first, one.last, one.requests))
    return ServiceBehaviour(
        profile.service,
        tuple(
            ServiceVersion(name, one.since, one.requests, one.learnt, one.again)
            for name, one in profile.versions.items()
        ),
        {kind: tuple(sorted(names)) for kind, names in sorted(profile.known.items())},
        tuple(sorted(novel, key=lambda one: one.last_time, reverse=True)),
        dict(profile.overflow), policy_of(written), tuple(missing),
    )  # fmt: skip
