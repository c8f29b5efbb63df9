"""Says when something was dropped, or an attack got through for want of time: at most once a minute each, with
everything that was since it last spoke."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

EVERY = 1.0
"""Seconds between two looks at the totals."""

QUIET = 60.0
"""Seconds of silence after a word."""

SPOKEN_OF = ("dropped.probes.", "dropped.pipeline.", "dropped.store.", "lost_events.")
PASSED = ("agent.late_attacks",)
HARMLESS = ("dropped.probes.unreadable",)
"""What a program did not let us read is no loss that anybody can do something about."""

log = structlog.get_logger()


class Losses:
    """Compares totals with those it spoke of last. `names`: how they begin."""

    def __init__(self, now: Callable[[], float] = time.monotonic, names: tuple[str, ...] = SPOKEN_OF) -> None:
        self._now, self._names = now, names
        self._told: dict[str, int] = {}
        self._spoke = -QUIET

    def look(self, totals: dict[str, int]) -> dict[str, int]:
        """What was dropped since the last word, by name; empty where nothing was, or it is too early to speak again."""
        if self._now() - self._spoke < QUIET:
            return {}
        counts = {name: count for name, count in totals.items() if name.startswith(self._names)}
        lost = {name: count - self._told.get(name, 0) for name, count in counts.items() if name not in HARMLESS}
        lost = {name: count for name, count in sorted(lost.items()) if count > 0}
        self._told = counts
        if lost:
            self._spoke = self._now()
        return lost


async def watch_losses(totals: Callable[[], dict[str, int]], every: float = EVERY) -> None:
    """Runs until cancelled."""
    losses, passed = Losses(), Losses(names=PASSED)
    while True:
        await asyncio.sleep(every)
        if lost := losses.look(totals()):
            log.warning("not everything was kept; see metrics cowitness_dropped_total", **lost)
        if late := passed.look(totals()):
            log.error("attacks went on in block mode: their verdicts came too late; see cowitness doctor", **late)
