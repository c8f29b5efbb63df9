"""The daemon's processes are preferred by the kernel, whatever shares the processor out first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TELL = """
import os
from collector.priority import go_first
go_first(-7)
group = open("/proc/self/autogroup").read().split()[-1:] if os.path.exists("/proc/self/autogroup") else []
print(os.getpriority(os.PRIO_PROCESS, 0), *group)
"""

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may go before others")


def told(leader: bool, user: int | None = None) -> list[int]:
    """The nice values of a process and of its session after it went first.

    The second is missing where the kernel has none for sessions, or none for this one: what nobody gave a session to
    since the machine began shares the processor with everybody.
    """
    command = [sys.executable, "-c", TELL]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, start_new_session=leader, user=user
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@root
def test_process_and_session() -> None:
    """A process that leads its session gets both nice values; one that does not leaves its session's alone."""
    sessions = Path("/proc/self/autogroup").exists()
    assert told(leader=True) == ([-7, -7] if sessions else [-7])
    own, *session = told(leader=False)
    assert own == -7
    assert -7 not in session


@root
def test_without_the_right() -> None:
    """Somebody else's process stays as it is, and goes on."""
    assert told(leader=True, user=65534)[0] == os.getpriority(os.PRIO_PROCESS, 0)
