"""Processes that the demo starts, and ends: each in a session of its own, its output in a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LAST_WORDS = 2000
"""Characters of a log that are shown when something goes wrong."""


class DemoError(Exception):
    """Why the demo cannot go on, in words for the person who started it."""


class Child:
    """A started process and its log file; its descendants share its process group."""

    def __init__(
        self, name: str, command: list[str], log: Path, environment: dict[str, str], directory: Path,
        descriptors: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        self.name, self.log = name, log
        # Where setpriv is (it is on Debian), the child gets SIGTERM even when this process is killed outright.
        tied = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                tied + command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True, pass_fds=descriptors,
            )  # fmt: skip

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-LAST_WORDS:].strip()

    def alive(self) -> bool:
        return self.process.poll() is None

    def must_live(self) -> None:
        """Raises DemoError with the log's end where the process has ended."""
        if not self.alive():
            raise DemoError(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")

    def stop(self, seconds: float = 15.0) -> None:
        """SIGTERM to the process, then SIGKILL to what is left of its group."""
        if self.alive():
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def listener(preferred: int) -> socket.socket:
    """A socket that listens on this loopback port where nobody else does, else on any: whoever inherits it has the
    port, and nobody can come between."""
    for port in (preferred, 0):
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise DemoError("no free port on 127.0.0.1")


def free_port(preferred: int) -> int:
    """This loopback port where nobody listens on it now, else any."""
    with listener(preferred) as found:
        return int(found.getsockname()[1])


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask every 0.1 s; whether it came true in time."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
