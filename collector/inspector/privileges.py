"""What an inspector may do: it reads what strangers send, so it gives away all that it does not need."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal

NOBODY = 65534
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


def raise_file_limit() -> None:
    """Allow as many open files as the hard limit does: every agent connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def drop() -> bool:
    """Become nobody for good where this process is root; False where it is not root. OSError where that fails: an
    inspector that keeps root is worse than none. Everything that must be opened or imported has been by now."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if os.geteuid() != 0:
        return False
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return True


def die_with(parent: int) -> None:
    """Have the kernel end this process with its parent (Linux, prctl(2)); ends at once where that is already gone. A
    change of user takes the wish back, so `drop` comes first."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
