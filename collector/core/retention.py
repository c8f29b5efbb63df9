"""Deletes what is too old or too much, now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

EVERY = 60.0
"""Seconds."""

log = structlog.get_logger()


async def keep_pruning(prune: Callable[[], int], breathe: Callable[[], None]) -> None:
    """Delete until cancelled, and `breathe` before; a failing store is the pipeline's business to report."""
    while True:
        breathe()
        try:
            if gone := await asyncio.to_thread(prune):
                log.info("retention", deleted=gone)
        except Exception as error:
            log.error("retention failed", error=str(error)[:200])
        await asyncio.sleep(EVERY)
