"""The run directory: the lock that keeps a second daemon out, and the listening sockets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import socket
from pathlib import Path

MAX_SOCKET_PATH = 107
"""Bytes that sockaddr_un.sun_path takes, without its closing zero (unix(7))."""

BACKLOG = 4096
LONGEST_NAME = "agent.sock"
TOKEN = re.compile("[0-9a-f]{64}")


class CannotStart(Exception):  # noqa: N818 - reads as what it is
    """Why the daemon cannot start, in words for the person who started it."""


def prepare(run_dir: Path, state_dir: Path) -> None:
    """Make the run directory (0755: apps of other users go through it) and the state directory (0750), and see that we
    may write there; raises CannotStart."""
    length = len(os.fsencode(run_dir / LONGEST_NAME))
    if length > MAX_SOCKET_PATH:
        raise CannotStart(
            f"the run directory's path is too long: {run_dir / LONGEST_NAME} has {length} bytes, "
            f"a Unix socket's path may have {MAX_SOCKET_PATH}. Choose a shorter --run-dir."
        )
    _make(run_dir, "--run-dir", 0o755)
    _make(state_dir, "--state-dir", 0o750)


def lock(run_dir: Path) -> int:
    """Take the run directory for this process until it ends; raises CannotStart where another daemon has it."""
    path = run_dir / "cowitness.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise CannotStart(f"cannot open {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        pid = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise CannotStart(f"another cowitness daemon (pid {pid}) uses {run_dir}") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def listen(path: Path, mode: int) -> socket.socket:
    """A listening Unix socket at `path`, in place of what an earlier daemon left there. The lock must be held."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    before = os.umask(0o777 & ~mode)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(f"cannot listen on {path}: {error.strerror}") from error
    finally:
        os.umask(before)
    return listener


def listen_on_loopback(address: tuple[str, int]) -> socket.socket:
    """A listening TCP socket; raises CannotStart."""
    try:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotStart(f"cannot listen on {address[0]} port {address[1]}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def token(path: Path) -> str:
    """The token of agents that come by TCP: 64 hexadecimal digits in a file that only its owner reads. The one that is
    there stays, so that agents outlive a restart; raises CannotStart."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            os.fchmod(descriptor, 0o600)
            if not TOKEN.fullmatch(known := file.read(100).strip()):
                known = secrets.token_hex(32)
                file.seek(0)
                file.truncate()
                file.write(known + "\n")
    except OSError as error:
        raise CannotStart(f"cannot write {path}: {error.strerror}") from error
    return known


def _make(directory: Path, option: str, mode: int) -> None:
    try:
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(mode)  # whatever the umask
    except FileExistsError:
        raise CannotStart(f"{directory} ({option}) is not a directory") from None
    except OSError as error:
        raise CannotStart(f"cannot create {directory} ({option}): {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CannotStart(f"no right to write in {directory} ({option}); it belongs to user {directory.stat().st_uid}")
