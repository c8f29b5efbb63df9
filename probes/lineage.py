"""Who a process is and what it descends from: parents, service unit and container, for as many as memory allows.

A process is (pid, start time): a number that comes again is another process. The kernel's events say both; of processes
that were there before us /proc tells, in steps of 10 ms. Children of a known process have its unit and container: only
roots are looked up. Bounded, least recently used goes first.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from probes.vocabulary import Ancestor, KernelEvent

LIMIT = 20_000
MAX_ANCESTORS = 16
TICK = 10**9 // os.sysconf("SC_CLK_TCK")
SLACK = 2 * TICK
PROC = Path("/proc")
CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{1,20})(?:\.scope)?(?:/|$)", re.MULTILINE)
UNIT = re.compile(r"/([^/\n]+\.(?:service|scope))(?=/|$)", re.MULTILINE)


class Known(Struct, frozen=True):
    """What is known of a process. `start`: ns since the epoch, 0 where nobody said."""

    parent: int = 0
    start: int = 0
    comm: str = ""
    container_id: str = ""
    unit: str = ""


class Lineage:
    """Processes by pid. `boot`: ns since the epoch at which CLOCK_BOOTTIME began."""

    def __init__(self, boot: int = 0, proc: Path = PROC, limit: int = LIMIT) -> None:
        self._boot, self._proc, self._limit = boot, proc, limit
        self._known: OrderedDict[int, Known] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def learn(self) -> int:
        """Take in what runs now; returns how many."""
        for name in os.listdir(self._proc):
            if name.isdigit():
                self.known(int(name))
        return len(self._known)

    def known(self, pid: int, start: int = 0) -> Known:
        """What is known of a process, looked up once; `start` tells it from an earlier one of the same number."""
        found = self._known.get(pid)
        if found is None or (start and found.start and abs(found.start - start) > SLACK):
            found = self._look(pid)
        if start and found.start != start:
            found = replace(found, start=start)
        self._keep(pid, found)
        return found

    def parent(self, pid: int) -> int:
        """The parent's id, 0 where nobody knows any more."""
        return self.known(pid).parent

    def complete(self, event: KernelEvent) -> KernelEvent:
        """The event with what is known of its process; learns from it."""
        if event.kind == "fork":
            return self._forked(event)
        if event.kind == "exit":
            known = self._known.pop(event.pid, Known())
            return event if event.parent_pid else replace(event, parent_pid=known.parent)
        if event.kind not in ("exec", "decision", "login"):
            return event
        parent = event.parent_pid or self.parent(event.pid)
        above = self.known(parent) if parent else Known()
        old = self._known.get(event.pid)
        known = Known(parent, event.process_start, event.comm, above.container_id, above.unit)
        if not above.start:  # the parent is gone or hidden: what the process itself had
            found = old or self.known(event.pid, event.process_start)
            known = replace(known, container_id=found.container_id, unit=found.unit)
        self._keep(event.pid, known)
        return replace(
            event, parent_pid=parent, container_id=known.container_id, unit=known.unit,
            ancestors=tuple(self.ancestors(parent)),
        )  # fmt: skip

    def ancestors(self, pid: int) -> Iterator[Ancestor]:
        """The process and those above it, at most 16, never in a circle."""
        seen = set[int]()
        while pid and pid not in seen and len(seen) < MAX_ANCESTORS:
            known = self.known(pid)
            if not known.start:
                return
            yield Ancestor(pid, known.start, known.comm)
            seen.add(pid)
            pid = known.parent

    def _forked(self, event: KernelEvent) -> KernelEvent:
        known = self.known(event.pid, event.process_start)
        self._keep(event.child_pid, Known(event.pid, 0, event.comm, known.container_id, known.unit))
        return event if event.parent_pid else replace(event, parent_pid=known.parent)

    def _keep(self, pid: int, known: Known) -> None:
        self._known[pid] = known
        self._known.move_to_end(pid)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def _look(self, pid: int) -> Known:
        stat = _read(self._proc / str(pid) / "stat")
        comm, _, rest = stat.partition("(")[2].rpartition(")")
        words = rest.split()
        if len(words) < 20:
            return Known()
        cgroup = _read(self._proc / str(pid) / "cgroup")
        start = self._boot + int(words[19]) * TICK
        return Known(int(words[1]), start, comm, container_id(cgroup), unit(cgroup))


def container_id(cgroup: str) -> str:
    """The container's id in the text of /proc/PID/cgroup (v1 and v2; Docker, containerd, CRI-O, podman, Amazon ECS).

    >>> container_id("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + "ab" * 32 + ".scope") == "ab" * 32
    True
    """
    found = CONTAINER.search(cgroup)
    return found[1] if found else ""


def unit(cgroup: str) -> str:
    """The innermost systemd unit, but that of a container.

    >>> unit("0::/system.slice/shop.service"), unit("0::/user.slice/user-0.slice/session-3.scope"), unit("0::/")
    ('shop.service', 'session-3.scope', '')
    """
    names = [name for name in UNIT.findall(cgroup) if not CONTAINER.search("/" + name)]
    return names[-1][:256] if names else ""


def _read(path: Path) -> str:
    try:
        with path.open(errors="backslashreplace") as file:
            return file.read(65536)
    except OSError:
        return ""
