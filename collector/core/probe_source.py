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
from probes.vocabulary import Done, Events, KernelEvent, Pids, ProbeHello, ProbeStats

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
    `met` is set once they have spoken (or will not)."""

    def __init__(self, on_events: Callable[[list[KernelEvent]], None], wanted: Callable[[], list[int]]) -> None:
        self._on_events, self._wanted = on_events, wanted
        self._connection: ProbeConnection | None = None
        self.on_registered: Callable[[list[int], bool], None] = lambda pids, witnessed: None
        self.on_lost: Callable[[], None] = lambda: None
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
        if self._connection is not None and self.hello is not None:
            for start in range(0, len(pids), REGISTER_AT_ONCE):
                self._connection.change(vocabulary.REGISTER, pids[start : start + REGISTER_AT_ONCE])

    def unregister(self, pids: list[int]) -> None:
        if self._connection is not None and self.hello is not None:
            self._connection.change(vocabulary.UNREGISTER, pids)

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

    def change(self, kind: int, pids: Iterable[int]) -> None:
        """Send REGISTER or UNREGISTER. Probes that do not read are closed: they come back and learn all anew."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MAX_UNREAD:
            self.close("the probes do not read")
            return
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        self._waiting[self._sequence] = list(pids) if kind == vocabulary.REGISTER else []
        self._transport.write(frames.encode(kind, self._sequence, Pids(list(pids))))

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
        pids = self._waiting.pop(sequence, [])
        unknown = set(done.unknown)
        self._source.on_registered([pid for pid in pids if pid not in unknown], True)
        if unknown:
            self._source.on_registered([pid for pid in pids if pid in unknown], False)


def refusal(hello: ProbeHello) -> str:
    """The reason of the first capability that is needed and missing; empty where all are there."""
    missing = [one for one in hello.capabilities if one.name in NEEDED and not one.available]
    return (missing[0].reason or f"no {missing[0].name}") if missing else ""
