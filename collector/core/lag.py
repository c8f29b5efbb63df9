"""Says when the core's event loop was late: what holds it up holds up agents, probes and callers alike."""

from __future__ import annotations

import asyncio
import time

import structlog

EVERY = 0.5
"""Seconds between two looks at the clock."""

LATE = 2.0
"""Seconds of delay from which the log speaks of it, at most once for each such delay."""

log = structlog.get_logger()


async def watch_lag(every: float = EVERY, late: float = LATE) -> None:
    """Runs until cancelled. `cpu_seconds` is what this process worked meanwhile: where it is small, the host had no
    time for it."""
    while True:
        began, worked = time.monotonic(), time.process_time()
        await asyncio.sleep(every)
        delay = time.monotonic() - began - every
        if delay > late:
            spent = time.process_time() - worked
            log.warning("the core was held up", seconds=round(delay, 1), cpu_seconds=round(spent, 1))
