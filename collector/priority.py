"""Being preferred by the kernel where our processes and the apps' want to run at the same time."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def go_first(nice: int) -> None:
    """Let the kernel prefer this process (nice(2), from -20, the most, to 0); needs root, or CAP_SYS_NICE. Kernels that
    share the processor among sessions first (sched(7), autogrouping) have a nice value for each session, and that of a
    process means something within its own only: a process that leads one sets both."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(nice))
