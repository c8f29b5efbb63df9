"""One connection to the core: what the kernel says goes out, what the core asks comes in."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import time
from bisect import bisect_left
from collections import Counter

import msgspec
import psutil

from probes import clock, frames, vocabulary
from probes.decode import decode
from probes.enforcement import Enforcement
from probes.kernel import Kernel
from probes.layout import UndecodableError
from probes.lineage import Lineage
from probes.outbox import BATCH, Outbox

EVERY = 0.02
"""Seconds between two looks into the rings: every look takes the processor from somebody, 250 a second cost a server
more than what they find."""

REST = 0.004
"""Seconds after a look that found something in which evidence has to wait, too: it comes in masses at times."""

STATS_SECONDS = 1.0
KNOWING = frozenset(("exec", "fork", "exit", "decision", "login"))
"""Kinds that say, or are told, who a process is."""

BOUNDS = [int(bound * 1e9) for bound in vocabulary.DELAYS]
_pids = msgspec.json.Decoder(vocabulary.Pids).decode
_enforce = msgspec.json.Decoder(vocabulary.Enforce).decode


class Witness:
    """Runs until the core closes the connection or `stop` is called."""

    def __init__(
        self, kernel: Kernel | None, lineage: Lineage, sock: socket.socket, boot: int = 0,
        enforcement: Enforcement | None = None,
    ) -> None:  # fmt: skip
        sock.setblocking(False)
        self._kernel, self._lineage, self._socket = kernel, lineage, sock
        self._enforcement = enforcement
        self._outbox = Outbox(sock)
        self._splitter = frames.Splitter()
        self._offset = clock.offset()
        self._boot = boot
        self._delays = [0] * (len(vocabulary.DELAYS) + 1)
        self._delayed = 0
        self._seen: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._registered: set[int] = set()
        self._narrow: set[int] = set()
        self._stopping = False
        self.failed = ""

    def hello(self, body: vocabulary.ProbeHello) -> None:
        """Introduce ourselves: the first frame."""
        self._outbox.put(vocabulary.PROBE_HELLO, 0, body)

    def stop(self) -> None:
        """End `run` soon; safe to call from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Look, send, listen; returns when the core is gone or `stop` was called."""
        next_stats = 0.0
        with contextlib.suppress(OSError, frames.FrameError), self._asked() as asked, self._asked() as woken:
            if self._kernel:
                woken.register(self._kernel.evidence, selectors.EVENT_READ, lambda: True)
            rest, pause = 0.0, EVERY
            while not self._stopping:
                ready = asked.select(rest) or woken.select(pause)
                if not all(one.data() for one, _ in ready):
                    return
                found, more = self._look()
                if time.monotonic() >= next_stats:
                    self._report()
                    next_stats = time.monotonic() + STATS_SECONDS
                self._outbox.flush()
                rest, pause = (0, 0) if more else self._pauses(found)

    def _pauses(self, found: bool) -> tuple[float, float]:
        """How long to rest before the next look, and how long then to wait for evidence. What the socket did not take
        is tried soon: it holds less than what comes in EVERY at times."""
        if self._outbox.size:
            return REST, 0
        return (REST, EVERY - REST) if found else (0, EVERY)

    def _asked(self) -> selectors.DefaultSelector:
        """What is heard at once: the core, and the end of the programs."""
        selector = selectors.DefaultSelector()
        selector.register(self._socket, selectors.EVENT_READ, self._listen)
        if self._kernel:
            selector.register(self._kernel.channel, selectors.EVENT_READ, self._detached)
        return selector

    def _look(self) -> tuple[bool, bool]:
        """Move what the rings hold to the outbox; whether there was anything, and whether there is more."""
        samples, more = self._kernel.drain() if self._kernel else ([], False)
        for start in range(0, len(samples), BATCH):
            self._take(samples[start : start + BATCH])
        return bool(samples), more

    def _take(self, samples: list[bytes]) -> None:
        events = []
        for sample in samples:
            try:
                events.append(self._complete(decode(sample, self._offset, self._boot)))
            except UndecodableError:
                self._lost["undecodable"] += 1
        if events:
            self._time(events)
        self._seen.update(event.kind for event in events)
        self._outbox.put_events(events)

    def _time(self, events: list[vocabulary.KernelEvent]) -> None:
        """How long these, oldest first, waited for us."""
        now, times = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + self._offset, [event.time for event in events]
        longer = len(times)
        for place, bound in enumerate(BOUNDS):
            within = longer - bisect_left(times, now - bound, 0, longer)
            self._delays[place] += within
            longer -= within
        self._delays[-1] += longer
        self._delayed += now * len(times) - sum(times)

    def _complete(self, event: vocabulary.KernelEvent) -> vocabulary.KernelEvent:
        if event.kind not in KNOWING:
            return event
        if event.kind == "exit":
            self._registered.discard(event.pid)
        elif event.kind == "decision" and self._enforcement:
            event = msgspec.structs.replace(event, policy=self._enforcement.name(int(event.policy)))
        return self._lineage.complete(event)

    def _detached(self) -> bool:
        """The holder of the programs is gone: nothing is watched any more. False, to end."""
        self.failed = "the programs are no longer attached"
        return False

    def _listen(self) -> bool:
        """Take in what the core says; False when it has closed."""
        data = self._socket.recv(65536)
        for kind, sequence, body in self._splitter.feed(data):
            try:
                self._obey(kind, sequence, body)
            except msgspec.DecodeError:
                self._lost["bad_command"] += 1
        return bool(data)

    def _obey(self, kind: int, sequence: int, body: bytes) -> None:
        if kind == vocabulary.REGISTER:
            wanted = _pids(body)
            unknown = [pid for pid in wanted.pids if not self._register(pid, wanted.policy)]
        elif kind == vocabulary.ENFORCE:
            reason = self._enforcement.take(_enforce(body)) if self._enforcement else "no programs are loaded"
            self._outbox.put(vocabulary.DONE, sequence, vocabulary.Done([], reason))
            return
        elif kind == vocabulary.UNREGISTER:
            unknown = [pid for pid in _pids(body).pids if not self._unregister(pid)]
        else:
            self._lost["unknown_command"] += 1
            return
        self._outbox.put(vocabulary.DONE, sequence, vocabulary.Done(unknown))

    def _register(self, pid: int, policy: str) -> bool:
        if not (self._kernel and os.path.isdir(f"/proc/{pid}")):
            return False
        if is_narrow(pid):
            if not self._kernel.listen32(True):
                return False
            self._narrow.add(pid)
        if self._kernel.register(pid, self._enforcement.number(policy, pid) if self._enforcement else 0):
            self._registered.add(pid)
            self._lineage.known(pid)
        return pid in self._registered

    def _unregister(self, pid: int) -> bool:
        if self._kernel:
            self._kernel.unregister(pid)
        self._registered.discard(pid)
        return True

    def _report(self) -> None:
        self._offset = clock.offset()
        dropped = self._kernel.dropped() if self._kernel else {}
        dropped.update(self._lost, socket_full=self._outbox.dropped)
        self._registered = {pid for pid in self._registered if os.path.isdir(f"/proc/{pid}")}
        self._narrow &= self._registered
        if self._kernel and not self._narrow:
            self._kernel.listen32(False)
        costs = self._kernel.costs() if self._kernel else {}
        stats = vocabulary.ProbeStats(
            dict(self._seen), dropped, psutil.Process().memory_info().rss, len(self._registered),
            {name: runs for name, (runs, _) in costs.items()}, {name: spent for name, (_, spent) in costs.items()},
            self._delays, self._delayed, self._outbox.size, len(self._lineage),
            dict(self._outbox.lost + Counter(self._kernel.lost() if self._kernel else {})),
        )  # fmt: skip
        self._outbox.put(vocabulary.PROBE_STATS, 0, stats)


def is_narrow(pid: int) -> bool:
    """Whether the process runs a 32-bit program on this 64-bit kernel; False where it cannot be seen."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/exe", "rb") as program:
        return struct.calcsize("P") == 8 and program.read(5) == b"\x7fELF\x01"
    return False
