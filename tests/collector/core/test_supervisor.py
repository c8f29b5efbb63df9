"""Children are kept, and end with us."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from collector.core import supervisor as module
from collector.core.supervisor import Plan, Supervisor

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(script: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


async def pid_of(supervisor: Supervisor, name: str, other_than: int = 0) -> int:
    """The pid of a child once it lives."""
    async with asyncio.timeout(10):
        while (pid := supervisor.pids().get(name, other_than)) == other_than:
            await asyncio.sleep(0.005)
    return pid


def test_started_again() -> None:
    """A killed child is replaced, and counted; the new one ends at the stop."""

    async def main() -> None:
        supervisor = Supervisor()
        supervisor.keep(Plan("one", lambda: python(SLEEP), lambda code: True))
        first = await pid_of(supervisor, "one")
        os.kill(first, 9)
        second = await pid_of(supervisor, "one", first)
        assert supervisor.restarts["one"] == 1
        await supervisor.stop()
        assert supervisor.pids() == {}
        assert not os.path.exists(f"/proc/{second}")

    asyncio.run(main())


def test_not_started_again_where_told() -> None:
    """A child whose end is final stays away; its exit code is told."""

    async def main() -> None:
        codes: list[int] = []
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ended(code: int) -> bool:
            codes.append(code)
            loop.call_soon_threadsafe(done.set)
            return False

        supervisor = Supervisor()
        supervisor.keep(Plan("one", lambda: python("raise SystemExit(3)"), ended))
        await asyncio.wait_for(done.wait(), 10)
        await supervisor.stop()
        assert (codes, supervisor.restarts["one"]) == ([3], 0)

    asyncio.run(main())


def test_stubborn_child_is_killed() -> None:
    """A child that ignores SIGTERM is gone after the stop all the same."""

    async def main() -> None:
        supervisor = Supervisor()
        supervisor.keep(Plan("one", lambda: python(STUBBORN), lambda code: True))
        pid = await pid_of(supervisor, "one")
        await supervisor.stop()
        assert not os.path.exists(f"/proc/{pid}")

    assert module.STOP_PATIENCE < 3
    asyncio.run(main())


def test_what_cannot_be_started_is_tried_again() -> None:
    """A missing program is not the end of the supervisor."""

    async def main() -> None:
        calls: list[int] = []
        again = asyncio.Event()

        def spawn() -> subprocess.Popen[bytes]:
            calls.append(1)
            if len(calls) > 1:
                again.set()
            raise FileNotFoundError("no such program")

        supervisor = Supervisor()
        supervisor.keep(Plan("one", spawn, lambda code: code == 127))
        await asyncio.wait_for(again.wait(), 10)
        await supervisor.stop()

    asyncio.run(main())
