"""Before the connections that come by TCP: the token first, and nothing is looked at before it is right.

A loopback port is open to everybody on the machine, and the kernel does not say who is at the other end. So who knows
the token may tell and ask, as a process without a pid: it is never registered with the kernel side, and its marks count
for nobody.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from typing import cast

from collector.inspector.connection import Connection
from collector.inspector.counters import Counters

TOKEN_SIZE = 65
"""64 hexadecimal digits and a line feed."""

SECONDS = 2.0
MAX_WAITING = 64
"""Connections at the door at a time; who comes then is sent away."""


class Door:
    """Makes the protocols of a listener; `make` makes the connection behind the door."""

    def __init__(self, token: str, make: Callable[[], Connection], counters: Counters) -> None:
        self.token, self.make, self.counters = (token + "\n").encode("ascii"), make, counters
        self.waiting = 0

    def __call__(self) -> Visitor:
        return Visitor(self)


class Visitor(asyncio.Protocol):
    """Somebody who has not said the token yet."""

    def __init__(self, door: Door) -> None:
        self._door, self._said = door, b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._door.waiting += 1
        if self._door.waiting > MAX_WAITING:
            self._refuse("too_many_at_the_door")
        else:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._refuse, "no_token")

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._said += data
        if len(self._said) < TOKEN_SIZE:
            return
        if hmac.compare_digest(self._said[:TOKEN_SIZE], self._door.token):
            self._enter(self._said[TOKEN_SIZE:])
        else:
            self._refuse("bad_token")

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def _enter(self, rest: bytes) -> None:
        """From here on a connection like any other; `rest` came right behind the token."""
        if (transport := self._leave()) is not None:
            connection = self._door.make()
            transport.set_protocol(connection)
            connection.connection_made(transport)
            if rest:
                connection.data_received(rest)

    def _refuse(self, code: str) -> None:
        if (transport := self._leave()) is not None:
            self._door.counters.add("hostile", code)
            transport.abort()

    def _leave(self) -> asyncio.Transport | None:
        """Nobody waits here any more; the transport, once."""
        transport, self._transport = self._transport, None
        if transport is not None:
            self._door.waiting -= 1
            if self._timer is not None:
                self._timer.cancel()
        return transport
