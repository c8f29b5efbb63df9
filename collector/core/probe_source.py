"""The core's end of probe.sock: events and totals in, registrations out. One probe process at a time.

The peer must be root or this user. A probe process that is stopped or slow costs nothing but its events: what we have
to say to it is bounded, and the agents' HELLOs do not wait for it longer than 10 ms.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import cast

import msgspec
import structlog

from collector.wire import frames
from collector.wire.agent import Error
from collector.wire.frames import FrameError, Head, Splitter
from probes import vocabulary
from probes.vocabulary import Done, Enforce, Events, KernelEvent, Pids, ProbeHello, ProbeStats

SILENCE = 10.0
"""Seconds without a word after which the probes count as stuck: they say their totals every second."""

MAX_UNREAD = 256 << 10
REGISTER_AT_ONCE = 1024
NEEDED = ("tracepoints", "ring_buffer")

_decode_hello = msgspec.json.Decoder(ProbeHello).decode
_decode_events = msgspec.json.Decoder(Events).decode
_decode_stats = msgspec.json.Decoder(ProbeStats).decode
_decode_done = msgspec.json.Decoder(Done).decode
_CREDENTIALS = struct.Struct("3i")

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


class ProbeConnection(asyncio.Protocol):
    """One connection on probe.sock."""

    def __init__(self, source: ProbeSource) -> None:
        self._source = source
        self._splitter = Splitter()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, list[int]] = {}
        self._answers: dict[int, Callable[[Done], None]] = {}
        self._sequence = 0
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer: socket.socket = transport.get_extra_info("socket")
        uid = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[1]
        if uid not in (0, os.getuid()):
            self.fail("forbidden", f"user {uid} is neither root nor this collector's")

    def data_received(self, data: bytes) -> None:
        try:
            for head, body in self._splitter.feed(data):
                self._take(head, body)
        except FrameError as error:
            self.fail(error.code, error.detail)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self.fail("bad_body", str(error)[:200])

    def connection_lost(self, exc: Exception | None) -> None:
        self._source.lost(self)

    def change(self, kind: int, pids: Iterable[int], policy: str = "") -> None:
        """Send REGISTER or UNREGISTER. Probes that do not read are closed: they come back and learn all anew."""
        if sequence := self._next():
            self._waiting[sequence] = list(pids) if kind == vocabulary.REGISTER else []
            self._write(kind, sequence, Pids(list(pids), policy))

    def enforce(self, wanted: Enforce, answered: Callable[[Done], None]) -> None:
        """Send ENFORCE; `answered` gets what the probes say to it."""
        if sequence := self._next():
            self._answers[sequence] = answered
            self._write(vocabulary.ENFORCE, sequence, wanted)

    def _next(self) -> int:
        """A number for the next command; 0 where it cannot be sent."""
        if self._transport is None:
            return 0
        if self._transport.get_write_buffer_size() > MAX_UNREAD:
            self.close("the probes do not read")
            return 0
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        return self._sequence

    def _write(self, kind: int, sequence: int, body: object) -> None:
        if self._transport is not None:
            self._transport.write(frames.encode(kind, sequence, body))

    def close(self, why: str) -> None:
        log.warning("closing the probes' connection", reason=why)
        if self._transport is not None:
            self._transport.abort()

    def fail(self, code: str, detail: str) -> None:
        """Answer with ERROR and close."""
        self._source.problems[code] += 1
        log.warning("bad peer on the probe socket", code=code, detail=detail)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.encode(frames.ERROR, 0, Error(code, detail)))
            self._transport.close()

    def _take(self, head: Head, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        source = self._source
        source.heard = time.monotonic()
        if head.kind == vocabulary.PROBE_HELLO:
            self._greeted = True
            source.greeted(self, _decode_hello(body))
        elif not self._greeted:
            raise FrameError("no_hello", "the first frame must be PROBE_HELLO")
        elif head.kind == vocabulary.EVENTS:
            source.events(_decode_events(body).events)
        elif head.kind == vocabulary.PROBE_STATS:
            source.stats = _decode_stats(body)
        elif head.kind == vocabulary.DONE:
            self._done(head.sequence, _decode_done(body))
        elif head.kind == frames.ERROR:
            source.problems["peer_error"] += 1
        else:
            source.problems["unknown_kind"] += 1

    def _done(self, sequence: int, done: Done) -> None:
        if (answered := self._answers.pop(sequence, None)) is not None:
            answered(done)
            return
        pids = self._waiting.pop(sequence, [])
        unknown = set(done.unknown)
        self._source.on_registered([pid for pid in pids if pid not in unknown], True)
        if unknown:
            self._source.on_registered([pid for pid in pids if pid in unknown], False)


def refusal(hello: ProbeHello) -> str:
    """The reason of the first capability that is needed and missing; empty where all are there."""
    missing = [one for one in hello.capabilities if one.name in NEEDED and not one.available]
    return (missing[0].reason or f"no {missing[0].name}") if missing else ""
