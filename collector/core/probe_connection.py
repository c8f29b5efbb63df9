"""One connection on probe.sock: frames in, commands out.

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
from typing import Protocol, cast

import msgspec
import structlog

from collector.wire import frames
from collector.wire.agent import Error
from collector.wire.frames import FrameError, Head, Splitter
from probes import vocabulary
from probes.vocabulary import Done, Enforce, Events, KernelEvent, Pids, ProbeHello, ProbeStats

MAX_UNREAD = 256 << 10

_decode_hello = msgspec.json.Decoder(ProbeHello).decode
_decode_events = msgspec.json.Decoder(Events).decode
_decode_stats = msgspec.json.Decoder(ProbeStats).decode
_decode_done = msgspec.json.Decoder(Done).decode
_CREDENTIALS = struct.Struct("3i")

log = structlog.get_logger()


class Source(Protocol):
    """The part of ProbeSource that hears a connection; `heard` is when (monotonic seconds)."""

    heard: float
    stats: ProbeStats | None
    problems: Counter[str]
    on_registered: Callable[[list[int], bool], None]

    def greeted(self, connection: ProbeConnection, hello: ProbeHello) -> None: ...

    def lost(self, connection: ProbeConnection) -> None: ...

    def events(self, events: list[KernelEvent]) -> None: ...


class ProbeConnection(asyncio.Protocol):
    """One connection on probe.sock."""

    def __init__(self, source: Source) -> None:
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
