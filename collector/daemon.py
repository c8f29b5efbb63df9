"""The core process: runs what `composition` builds until SIGTERM. `cowitness up` calls `run`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop

from collector.composition import Core
from collector.core import run_dir
from collector.core.run_dir import CannotStart
from collector.priority import go_first
from collector.settings import Settings
from collector.store.base import Store
from collector.store.sqlite import SqliteStore

__all__ = ["CannotStart", "run"]

NICE = -4
"""Where nobody has chosen another value: events that nobody takes in time are lost."""

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises CannotStart with words for whoever started it."""
    run_dir.prepare(settings.run_dir, settings.state_dir)
    with held(settings.run_dir), opened_store(settings) as store:
        return uvloop.run(serve(settings, store))


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """The run directory's lock, for as long as this lasts."""
    descriptor = run_dir.lock(directory)
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened_store(settings: Settings) -> Iterator[SqliteStore]:
    try:
        store = SqliteStore(settings.state_dir, settings.store.retention_days, settings.store.max_megabytes)
    except (OSError, sqlite3.Error) as error:
        raise CannotStart(f"cannot open the store in {settings.state_dir}: {error}") from error
    try:
        yield store
    finally:
        store.close()


async def serve(settings: Settings, store: Store) -> int:
    """Start everything, wait for the end, stop everything in the opposite order."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if os.getpriority(os.PRIO_PROCESS, 0) == 0:
        go_first(NICE)
    core = Core(settings, store)
    async with AsyncExitStack() as stack:
        await core.start(stack)
        gc.collect()
        gc.freeze()
        log.info("ready", pid=os.getpid(), run_dir=str(settings.run_dir), state_dir=str(settings.state_dir))
        failed = await either(ended, core.tasks)
        log.info("ending", reason=failed or "asked to")
        core.supervisor.dismiss()
    return 1 if failed else 0


async def either(ended: asyncio.Event, tasks: list[asyncio.Task[None]]) -> str:
    """Wait until we are asked to end (empty) or a task that must not end did: its name, after logging why."""
    asked = asyncio.create_task(ended.wait())
    done, _ = await asyncio.wait({asked, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    failed = [task for task in tasks if task in done]
    for task in failed:
        log.error("a part of the core failed", part=task.get_name(), error=repr(task.exception()))
    return failed[0].get_name() if failed else ""
