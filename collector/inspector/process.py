"""What /proc says of a process: executable, container, a name for the service. Hostile or vanished processes give less.

A container id is read from the cgroup path: the first 64-digit (or ECS-style) component, on cgroup v1 and v2 alike.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{1,20})(?:\.scope)?(?:/|$)", re.MULTILINE)
_INTERPRETER = re.compile(r"^(?:python|pypy)[0-9.]*$")
MAX_READ = 65536
"""Bytes read of one /proc file."""


class Facts(Struct, frozen=True):
    """`started` (clock ticks since boot) tells a process from a later one with the same pid; 0 where unknown."""

    executable: str = ""
    container_id: str = ""
    service: str = ""
    started: int = 0


class Processes:
    """Facts by pid, read once per process."""

    def __init__(self, proc: Path = Path("/proc"), size: int = 4096) -> None:
        self._proc, self._size = proc, size
        self._known: OrderedDict[int, Facts] = OrderedDict()

    def facts(self, pid: int) -> Facts:
        """What is known of `pid`; empty facts where there is no such process (or another namespace hides it)."""
        started = _started(_read(self._proc / str(pid) / "stat"))
        known = self._known.get(pid)
        if known is None or known.started != started:
            known = self._known[pid] = _facts(self._proc / str(pid), started)
        self._known.move_to_end(pid)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return known

    def namespace_pids(self, pid: int) -> tuple[int, ...]:
        """The pids that this process has, outermost namespace first; empty where /proc does not say."""
        for line in _read(self._proc / str(pid) / "status").splitlines():
            if line.startswith("NSpid:"):
                return tuple(int(word) for word in line.split()[1:])
        return ()


def container_id(cgroup: str) -> str:
    """The container's id in the text of /proc/PID/cgroup; empty outside of containers.

    >>> container_id("0::/system.slice/docker-" + "ab" * 32 + ".scope") == "ab" * 32
    True
    """
    found = _CONTAINER.search(cgroup)
    return found.group(1) if found else ""


def service_name(arguments: list[str]) -> str:
    """A name for a service that has none: the script or module of a Python command line, else the command.

    >>> service_name(["/usr/bin/python3", "-u", "/srv/shop/manage.py", "runserver"])
    'manage.py'
    >>> service_name(["python3", "-m", "flask", "run"])
    'flask'
    """
    names = [os.path.basename(word) for word in arguments if word]
    if not names:
        return ""
    if not _INTERPRETER.match(names[0]):
        return names[0].split(" ")[0].rstrip(":")
    return next((name for name in names[1:] if not name.startswith("-")), names[0])


def _facts(directory: Path, started: int) -> Facts:
    arguments = _read(directory / "cmdline").split("\0")
    cgroup = _read(directory / "cgroup")
    executable = _attempt(lambda: os.readlink(directory / "exe"))
    return Facts(executable[:4096], container_id(cgroup), service_name(arguments)[:256], started)


def _started(stat: str) -> int:
    fields = stat.rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0


def _read(path: Path) -> str:
    def read() -> str:
        with path.open("rb") as file:
            return file.read(MAX_READ).decode("utf-8", "replace")

    return _attempt(read)


def _attempt(read: Callable[[], str]) -> str:
    try:
        return read()
    except OSError:
        return ""
