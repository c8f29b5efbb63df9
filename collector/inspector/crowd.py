"""Who is connected, and who must go when there are too many or they hold too much.

Nobody is refused at the door: a newcomer takes the place of the least useful one, so a crowd of silent connections
cannot keep an honest agent out. Victims come from the process with the most connections (or bytes), those without a
HELLO first, then the one that has been quiet the longest.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

from collector.inspector.limits import Allowance, Limits


class Member(Protocol):
    """What the crowd needs to know of a connection. Times are monotonic seconds."""

    pid: int
    active: float

    @property
    def greeted(self) -> bool:
        """Whether a HELLO was accepted."""
        ...

    @property
    def held(self) -> int:
        """Bytes received and not yet worked off."""
        ...

    def overdue(self, now: float) -> str:
        """Why this connection has to go by now; empty while it may stay."""
        ...

    def refuse(self, code: str, detail: str) -> None: ...


class Crowd:
    """The connections of an inspector by process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members: dict[int, dict[Member, None]] = defaultdict(dict)
        self._allowances: dict[int, Allowance] = {}
        self.count = 0
        self.held = 0

    def add(self, member: Member) -> None:
        """Take a connection in; where that is one too many, another one is sent away."""
        self._members[member.pid][member] = None
        self._allowances.setdefault(member.pid, Allowance(self._limits))
        self.count += 1
        if len(self._members[member.pid]) > self._limits.connections_per_process:
            self._evict(self._members[member.pid], member, "too_many_of_process")
        elif self.count > self._limits.connections:
            self._evict(max(self._members.values(), key=len), member, "too_many")

    def remove(self, member: Member) -> None:
        members = self._members.get(member.pid, {})
        if member in members:
            del members[member]
            self.count -= 1
        if not members:
            self._members.pop(member.pid, None)
            self._allowances.pop(member.pid, None)

    def allowance(self, pid: int) -> Allowance:
        return self._allowances.setdefault(pid, Allowance(self._limits))

    def hold(self, change: int) -> None:
        """Account for bytes that came in or were worked off; above the limit the heaviest connection goes."""
        self.held += change
        if change > 0 and self.held > self._limits.memory_bytes:
            heaviest = max(self._members.values(), key=lambda group: sum(m.held for m in group))
            max(heaviest, key=lambda m: m.held).refuse("memory", "too much is waiting; the heaviest goes")

    def sweep(self, now: float) -> None:
        """Send away who is overdue; called about once a second."""
        for group in list(self._members.values()):
            for member in list(group):
                if reason := member.overdue(now):
                    member.refuse(reason, "this took too long")

    def _evict(self, group: dict[Member, None], newcomer: Member, code: str) -> None:
        others = [m for m in group if m is not newcomer]
        victim = min(others or [newcomer], key=lambda m: (m.greeted, m.active))
        victim.refuse(code, "another connection took this place")
