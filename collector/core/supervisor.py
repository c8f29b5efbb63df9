"""Children of the core: started, watched, started again with growing pauses, ended with the core.

Children are started without a hook between fork and exec (threads make that unsafe); each asks the kernel itself to be
ended with its parent, and each sees the end of its socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from msgspec import Struct

HEALTHY = 10.0
"""Seconds of life after which the next pause is the first one again."""

STOP_PATIENCE = 2.2
"""Seconds between asking a child to end and making it end."""

log = structlog.get_logger()


class Plan(Struct, frozen=True):
    """How to keep one child. `spawn` starts it; `ended` hears the exit code and says whether to start it again."""

    name: str
    spawn: Callable[[], subprocess.Popen[bytes]]
    ended: Callable[[int], bool]
    first_pause: float = 0.1
    last_pause: float = 5.0


class Supervisor:
    """Keeps children alive until `stop`. `restarts` counts by name."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._executor = ThreadPoolExecutor(64, "wait")
        self._stopping = False
        self._dismissed = 0.0
        self.restarts: Counter[str] = Counter()

    def keep(self, plan: Plan) -> None:
        """Start a child and keep it."""
        self._tasks.append(asyncio.create_task(self._keep(plan), name=plan.name))

    def pids(self) -> dict[str, int]:
        """Living children by name."""
        return {name: child.pid for name, child in self._children.items()}

    def dismiss(self) -> None:
        """Ask every child to end, and start none any more."""
        if not self._stopping:
            self._stopping, self._dismissed = True, time.monotonic()
            for child in self._children.values():
                child.terminate()

    async def stop(self) -> None:
        """Wait for the children's end, insist after STOP_PATIENCE."""
        self.dismiss()
        while self._children and time.monotonic() < self._dismissed + STOP_PATIENCE:
            await asyncio.sleep(0.02)
        for name, child in list(self._children.items()):
            log.warning("child does not end; killing it", child=name, pid=child.pid)
            child.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._executor.shutdown()

    async def _keep(self, plan: Plan) -> None:
        pause = plan.first_pause
        while not self._stopping:
            started = time.monotonic()
            code = await self._live(plan)
            if self._stopping or not plan.ended(code):
                return
            if time.monotonic() - started > HEALTHY:
                pause = plan.first_pause
            log.warning("child ended; starting it again", child=plan.name, exit_code=code, pause=pause)
            self.restarts[plan.name] += 1
            await asyncio.sleep(pause)
            pause = min(plan.last_pause, pause * 2)

    async def _live(self, plan: Plan) -> int:
        """One life of a child; its exit code, or 127 where it could not be started."""
        try:
            child = plan.spawn()
        except OSError as error:
            log.error("child cannot be started", child=plan.name, error=str(error))
            return 127
        self._children[plan.name] = child
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, child.wait)
        finally:
            with contextlib.suppress(KeyError):
                del self._children[plan.name]
