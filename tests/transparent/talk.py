"""One conversation over a raw socket, from a script, and what came back: every byte, but for the clock's."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

TIMEOUT = 30.0
"""Seconds for an answer that comes."""

_DATE = re.compile(rb"(?im)^date: [^\r\n]*")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True)
class Until:
    """Wait until this has come back."""

    text: bytes


@dataclass(frozen=True)
class Blocks:
    """Send so many blocks of 64 KiB that differ from one another, each framed as a chunk or as it is."""

    count: int
    chunked: bool = False

    def each(self) -> Iterator[bytes]:
        for number in range(self.count):
            block = struct.pack(">I", number) * 16384
            yield b"10000\r\n" + block + b"\r\n" if self.chunked else block


class End:
    """Send no more, and say so."""


class Vanish:
    """Close, and have the server's next bytes refused."""


Step = bytes | Until | Blocks | End | Vanish


class Conversation:
    """A connection that plays a script."""

    def __init__(self, port: int) -> None:
        self.heard = b""
        self.over = False
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._socket.settimeout(TIMEOUT)

    def play(self, steps: tuple[Step, ...]) -> bytes:
        """Do every step, listen to the end, and return what was heard."""
        with contextlib.closing(self._socket):
            for step in steps:
                self._do(step)
            while not self.over:
                self._listen()
        return self.heard

    def _do(self, step: Step) -> None:
        if isinstance(step, bytes):
            self._send(step)
        elif isinstance(step, Blocks):
            for block in step.each():
                self._send(block)
        elif isinstance(step, Until):
            while step.text not in self.heard:
                assert not self.over, f"closed before {step.text!r}: {self.heard[-2000:]!r}"
                self._listen()
        elif isinstance(step, End):
            with contextlib.suppress(OSError):  # it has been said, or the server has gone
                self._socket.shutdown(socket.SHUT_WR)
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.heard = self.heard.partition(b"\r\n\r\n")[0]  # how much more there was is chance
            self.over = True

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # a server may answer and hang up before it has read all
            self._socket.sendall(data)

    def _listen(self) -> None:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        except TimeoutError:
            raise AssertionError(f"nothing came for {TIMEOUT} s after {self.heard[-2000:]!r}") from None
        self.heard += data
        self.over = not data


def talk(port: int, steps: tuple[Step, ...]) -> bytes:
    """What came back, without dates."""
    return _DATE.sub(b"date:", Conversation(port).play(steps))


def status(heard: bytes) -> int:
    """The status of the last answer; 0 where there is none."""
    found = _STATUS.findall(heard)
    return int(found[-1]) if found else 0


def body_size(heard: bytes) -> int:
    """Bytes of the only answer's body, without its framing."""
    head, _, body = heard.rpartition(b"HTTP/1.")[2].partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return len(body)
    size = 0
    while body:
        line, _, rest = body.partition(b"\r\n")
        length = int(line, 16)
        size, body = size + length, rest[length + 2 :] if length else b""
    return size
