"""Compiled databases as files, named after their content: a restart, and each further inspector, only reads.

What is read here is loaded as an automaton without further checks, so the directory must be ours alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

KEPT = 30 * 86400
"""Seconds after its last use that a file is kept."""


def directory(wanted: str) -> Path | None:
    """The directory, made where it is missing; None where there is none that only we may write to."""
    path = Path(wanted or _default())
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except (OSError, RuntimeError):
        return None
    ours = found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return path if ours and stat.S_ISDIR(found.st_mode) else None


def fetch(where: Path | None, name: str, make: Callable[[], bytes]) -> bytes:
    """The file's content; made, once for all processes that ask, where there is none."""
    if where is None:
        return make()
    with _locked(where / (name + ".lock")):
        file = where / name
        with contextlib.suppress(OSError):
            data = file.read_bytes()
            os.utime(file)
            return data
        data = make()
        with contextlib.suppress(OSError):
            _write(where, file, data)
            _sweep(where)
        return data


def forget(where: Path | None, name: str) -> None:
    """Take a file away that turned out to be of no use."""
    if where is not None:
        (where / name).unlink(missing_ok=True)


def _default() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "cowitness", "rules")


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Only one process at a time, where files can be locked at all."""
    try:
        number = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _write(where: Path, file: Path, data: bytes) -> None:
    number, name = tempfile.mkstemp(dir=where)
    with os.fdopen(number, "wb") as stream:
        stream.write(data)
    os.replace(name, file)


def _sweep(where: Path) -> None:
    oldest = time.time() - KEPT
    for file in where.iterdir():
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()
