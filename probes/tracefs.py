"""The kernel's tracing file system: found, or mounted where we may."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from probes.distribution import MissingError

TRACING = Path("/sys/kernel/tracing")
OLD = Path("/sys/kernel/debug/tracing")


def ready(path: Path = TRACING) -> bool:
    """Whether events are listed there, and we may see them."""
    return os.path.isdir(path / "events" / "syscalls")


def ensure() -> Path:
    """The directory of the tracing file system; mounts it if need be, raises MissingError where that fails."""
    for path in (TRACING, OLD):
        if ready(path):
            return path
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tracefs", str(TRACING).encode(), b"tracefs", 0, None) and not ready():
        reason = os.strerror(ctypes.get_errno())
        raise MissingError(f"no tracefs here for this user ({reason}); as root: mount -t tracefs tracefs {TRACING}")
    return TRACING


def events() -> Path:
    """Where the events are; of a kernel without tracefs the place where they would be."""
    return next((path for path in (TRACING, OLD) if ready(path)), TRACING) / "events"


def has_event(category: str, name: str) -> bool:
    """Whether this kernel has the tracepoint."""
    return (events() / category / name / "format").exists()
