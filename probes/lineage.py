"""Parents of processes that the kernel side did not see being born."""

from __future__ import annotations

from collections import OrderedDict

import psutil

LIMIT = 20_000


class Lineage:
    """Process id -> parent id; learnt at start, then by looking once. Bounded, least recently used goes first."""

    def __init__(self) -> None:
        self._parents: OrderedDict[int, int] = OrderedDict()

    def learn(self) -> int:
        """Take in what runs now; returns how many."""
        for process in psutil.process_iter(["ppid"]):
            self._keep(process.pid, process.info["ppid"] or 0)
        return len(self._parents)

    def parent(self, pid: int) -> int:
        """The parent's id, 0 where nobody knows any more."""
        known = self._parents.get(pid)
        if known is None:
            try:
                known = psutil.Process(pid).ppid()
            except psutil.Error:
                known = 0
            self._keep(pid, known)
        return known

    def forget(self, pid: int) -> None:
        """The process has ended; its number may come again."""
        self._parents.pop(pid, None)

    def _keep(self, pid: int, parent: int) -> None:
        self._parents[pid] = parent
        self._parents.move_to_end(pid)
        if len(self._parents) > LIMIT:
            self._parents.popitem(last=False)
