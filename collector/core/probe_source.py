"""What the probes say, and what they are told: events and totals in, registrations out. One probe process at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import structlog

from collector.core.probe_connection import ProbeConnection
from probes import vocabulary
from probes.vocabulary import Done, Enforce, KernelEvent, ProbeHello, ProbeStats

SILENCE = 10.0
"""Seconds without a word after which the probes count as stuck: they say their totals every second."""

REGISTER_AT_ONCE = 1024
NEEDED = ("tracepoints", "ring_buffer")

log = structlog.get_logger()


class ProbeSource:
    """What the probes said last, and the way to register processes. `reason` says why there are no probes;
    `met` is set once they have spoken (or will not). `policy` and `enforce` are asked what holds for a process and in
    all; `unenforced` is what the probes cannot do of it."""

    def __init__(self, on_events: Callable[[list[KernelEvent]], None], wanted: Callable[[], list[int]]) -> None:
        self._on_events, self._wanted = on_events, wanted
        self._connection: ProbeConnection | None = None
        self.on_registered: Callable[[list[int], bool], None] = lambda pids, witnessed: None
        self.on_lost: Callable[[], None] = lambda: None
        self.policy: Callable[[int], str] = lambda pid: ""
        self.enforce: Callable[[], Enforce] = lambda: Enforce("off")
        self.unenforced = ""
        self.hello: ProbeHello | None = None
        self.stats: ProbeStats | None = None
        self.heard = 0.0
        self._refusal = ""
        self.met = asyncio.Event()
        self.reason = "the probes have not connected yet"
        self.problems: Counter[str] = Counter()

    def accept(self) -> asyncio.Protocol:
        """A protocol for one new connection."""
        return ProbeConnection(self)

    @property
    def running(self) -> bool:
        """Whether probes are there and say something."""
        return self.hello is not None and self._connection is not None and not self.silent and not self.refusal

    @property
    def refusal(self) -> str:
        """Why the kernel does not let the probes watch, in their words; empty where it does or nobody asked."""
        return self._refusal

    @property
    def silent(self) -> bool:
        return time.monotonic() - self.heard > SILENCE

    def explanation(self) -> str:
        """Why there is no kernel witness; empty while there is one."""
        if self.running:
            return ""
        if self._refusal:
            return self._refusal
        if self._connection is not None and self.hello is not None:
            return f"the probes have said nothing for {time.monotonic() - self.heard:.0f} s"
        return self.reason

    def register(self, pids: list[int]) -> None:
        """Have marks of these processes count; `on_registered` is called when the kernel map has changed."""
        groups: dict[str, list[int]] = {}
        for pid in pids:
            groups.setdefault(self.policy(pid), []).append(pid)
        if self._connection is not None and self.hello is not None:
            for policy, group in groups.items():
                for start in range(0, len(group), REGISTER_AT_ONCE):
                    self._connection.change(vocabulary.REGISTER, group[start : start + REGISTER_AT_ONCE], policy)

    def unregister(self, pids: list[int]) -> None:
        if self._connection is not None and self.hello is not None:
            self._connection.change(vocabulary.UNREGISTER, pids)

    @property
    def connected(self) -> bool:
        """Whether there is a probe process that introduced itself, however silent."""
        return self._connection is not None and self.hello is not None

    async def tell_enforce(self, patience: float) -> bool:
        """Have the probes put in force what `enforce` says now; False where they do not say that they did, in time."""
        if self._connection is None or self.hello is None:
            return False
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()

        def answered(done: Done) -> None:
            if not answer.done():
                answer.set_result(done)

        self._connection.enforce(self.enforce(), answered)
        try:
            self._enforced(await asyncio.wait_for(answer, patience))
        except TimeoutError:
            return False
        return True

    def _enforced(self, done: Done) -> None:
        self.unenforced = done.reason
        if done.reason:
            log.warning("not everything can be enforced", reason=done.reason)

    # for the connection

    def greeted(self, connection: ProbeConnection, hello: ProbeHello) -> None:
        """A probe process introduced itself: it replaces an earlier one and learns every process anew."""
        if self._connection is not None and self._connection is not connection:
            self._connection.close("replaced by a new probe process")
        self._connection, self.hello, self.stats = connection, hello, None
        self.heard = time.monotonic()
        self._refusal = refusal(hello)
        self.met.set()
        log.info("probes connected", pid=hello.pid, kernel=hello.kernel_release, version=hello.version)
        if (wanted := self.enforce()).policies:
            connection.enforce(wanted, self._enforced)
        self.register(self._wanted())

    def lost(self, connection: ProbeConnection) -> None:
        if connection is self._connection:
            self._connection = self.hello = None
            self.reason = "the probe process is gone"
            log.warning("probes lost")
            self.on_lost()

    def events(self, events: list[KernelEvent]) -> None:
        self._on_events(events)


def refusal(hello: ProbeHello) -> str:
    """The reason of the first capability that is needed and missing; empty where all are there."""
    missing = [one for one in hello.capabilities if one.name in NEEDED and not one.available]
    return (missing[0].reason or f"no {missing[0].name}") if missing else ""
