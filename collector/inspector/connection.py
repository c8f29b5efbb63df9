"""One agent's connection: bytes in, frames to the desk, answers out. A bad peer harms only itself.

Frames are worked off a few at a time, so a peer that sends a thousand at once does not hold up another's verdict;
while frames wait, nothing more is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections import deque
from typing import Protocol, cast

from collector.inspector.counters import Counters
from collector.inspector.crowd import Crowd
from collector.inspector.limits import Limits
from collector.inventory import Agent
from collector.wire import frames
from collector.wire.agent import Error
from collector.wire.frames import FrameError, Head, Splitter

TURN = 8
"""Frames worked off before the loop gets its turn."""

MAX_UNREAD = 1 << 20
"""Bytes of answers that a peer may leave unread before it is closed."""

READ, MAX_REST = 256 << 10, 16 << 20
"""Bytes of one read, and of what is read from a peer that is gone; its socket buffer holds less."""

FRAME_OVERHEAD = 200

_CREDENTIALS = struct.Struct("3i")


class Desk(Protocol):
    """What a connection hands frames to."""

    def take(self, connection: Connection, head: Head, body: bytes) -> None:
        """Work one frame; raises FrameError for what no honest peer sends."""
        ...

    def closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """State of one connection. `agent` is there after HELLO; `active` is the monotonic time of the last frame."""

    def __init__(self, desk: Desk, crowd: Crowd, counters: Counters, limits: Limits) -> None:
        self._desk, self._crowd, self._counters, self._limits = desk, crowd, counters, limits
        self._splitter = Splitter(limits.hello_bytes)
        self._inbox: deque[tuple[Head, bytes]] = deque()
        self._held = 0
        self._busy = self._scheduled = self._closing = self._ended = False
        self._transport: asyncio.Transport | None = None
        self.pid = self.uid = 0
        self.agent: Agent | None = None
        self.role = ""
        self.accepted = self.active = self._begun = time.monotonic()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MAX_UNREAD)
        self.pid, self.uid = _credentials(self._transport)
        self._counters.add("connections")
        self._crowd.add(self)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        before = self._splitter.pending
        try:
            new = self._splitter.feed(data)
        except FrameError as error:
            self.refuse(error.code, error.detail, hostile=True)
            return
        self._inbox.extend(new)
        if new or not before:
            self._begun = time.monotonic()
        self._hold(sum(cost(len(body)) for _, body in new) + self._splitter.pending - before)
        wait = self._crowd.allowance(self.pid).data(len(data), len(new), time.monotonic())
        if wait > 0:
            self._throttle(wait)
        self._pump()

    def eof_received(self) -> bool:
        if self._splitter.pending and not self._closing:
            self._counters.add("hostile", "truncated")
        return False

    def pause_writing(self) -> None:
        self.refuse("unread", "answers are not being read", hostile=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone; what it wrote before is still worked off, unless it was we who closed."""
        transport, self._transport = self._transport, None
        if exc is not None and transport is not None and not self._closing:
            self._read_rest(transport)
        self._pump()

    # for the desk

    def greet(self, agent: Agent, role: str) -> None:
        """HELLO was accepted: whole frames may come from now on."""
        self.agent, self.role = agent, role
        self._splitter.allow(frames.MAX_BODY)

    def send(self, kind: int, sequence: int, body: object) -> None:
        """Answer; a closed connection swallows it."""
        if self._transport is not None and not self._closing:
            self._transport.write(frames.encode(kind, sequence, body))

    def work(self) -> None:
        """A batch of this connection is under way: later frames wait until `worked`."""
        self._busy = True

    def worked(self, size: int) -> None:
        """The batch of `size` bytes is judged."""
        self._busy = False
        if not self._closing:
            self._hold(-cost(size))
            self._pump()

    def refuse(self, code: str, detail: str, hostile: bool = False) -> None:
        """Say why, count it, close."""
        if self._closing:
            return
        self._counters.add("hostile" if hostile else "refused", code)
        if self._transport is None:
            self._end()
            return
        self.send(frames.ERROR, 0, Error(code, detail))
        self._closing = True
        if self._transport.get_write_buffer_size() > MAX_UNREAD // 2:
            self._transport.abort()
        else:
            self._transport.close()
            asyncio.get_running_loop().call_later(1.0, self._transport.abort)

    # for the crowd

    @property
    def greeted(self) -> bool:
        return self.agent is not None

    @property
    def held(self) -> int:
        return self._held

    def overdue(self, now: float) -> str:
        if not self.greeted:
            return "handshake_timeout" if now - self.accepted > self._limits.handshake_seconds else ""
        slow = self._splitter.pending and not self._inbox and not self._busy
        return "slow_frame" if slow and now - self._begun > self._limits.frame_seconds else ""

    # inside

    def _pump(self) -> None:
        for _ in range(TURN):
            if not self._inbox or self._busy or self._closing:
                break
            head, body = self._inbox.popleft()
            self.active = time.monotonic()
            self._take(head, body)
        self._flow()

    def _take(self, head: Head, body: bytes) -> None:
        try:
            self._desk.take(self, head, body)
        except FrameError as error:
            self.refuse(error.code, error.detail, hostile=True)
        if not self._busy:
            self._hold(-cost(len(body)))

    def _flow(self) -> None:
        """Read on only when everything read so far is worked off."""
        if self._transport is None:
            if self._closing or not (self._inbox or self._busy):
                self._end()
        elif self._closing:
            return
        elif self._inbox or self._busy:
            self._transport.pause_reading()
        elif not self._scheduled:
            self._transport.resume_reading()
        if self._inbox and not self._busy and not self._closing:
            self._later(0)

    def _read_rest(self, transport: asyncio.Transport) -> None:
        """A write that failed closed the transport; what waits in the kernel is read past it. Bounded."""
        fd = transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):
            for _ in range(MAX_REST // READ):
                data = os.read(fd, READ)
                if not data or self._closing:
                    break
                self.data_received(data)

    def _end(self) -> None:
        """Nothing more will come of this connection; the first call counts."""
        self._closing = True
        if not self._ended:
            self._ended = True
            self._inbox.clear()
            self._hold(-self._held)
            self._crowd.remove(self)
            self._desk.closed(self)

    def _throttle(self, seconds: float) -> None:
        self._counters.add("throttled")
        if self._transport is not None:
            self._transport.pause_reading()
        self._later(min(seconds, 5.0))

    def _later(self, seconds: float) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(seconds, self._again)

    def _again(self) -> None:
        self._scheduled = False
        self._pump()

    def _hold(self, change: int) -> None:
        self._held += change
        self._crowd.hold(change)


def cost(size: int) -> int:
    """Bytes of memory that a waiting frame with a body of `size` bytes takes, about."""
    return size + FRAME_OVERHEAD


def _credentials(transport: asyncio.Transport) -> tuple[int, int]:
    """The peer's pid (0 outside of this pid namespace, and by TCP) and uid, as the kernel knows them."""
    peer: socket.socket = transport.get_extra_info("socket")
    if peer.family != socket.AF_UNIX:
        return 0, -1
    pid, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid
