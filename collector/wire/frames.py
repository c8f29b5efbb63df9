"""The frame of both local sockets: a fixed header and a JSON body (proto/wire/README.md). No I/O here."""

from __future__ import annotations

import struct
from typing import NamedTuple

import msgspec

VERSION = 1
MAX_BODY = 1 << 20
HEADER = struct.Struct(">IBBHI")

HELLO, BATCH, ASK, STATUS = 1, 2, 3, 4
WELCOME, ACK, VERDICT, POLICY, ERROR = 17, 18, 19, 20, 21


class FrameError(Exception):
    """A frame that must not be read further. `code` is one of too_large, bad_version, bad_header, bad_body."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Head(NamedTuple):
    """A decoded header; `length` in bytes."""

    length: int
    kind: int
    sequence: int


def decode_head(data: bytes | bytearray | memoryview, max_body: int = MAX_BODY) -> Head:
    """Read the 12 bytes of a header; raises FrameError for what no honest peer sends."""
    length, kind, version, reserved, sequence = HEADER.unpack_from(data)
    if version != VERSION:
        raise FrameError("bad_version", f"version {version}, this side speaks {VERSION}")
    if reserved:
        raise FrameError("bad_header", "the reserved field is not 0")
    if length > max_body:
        raise FrameError("too_large", f"the body has {length} bytes, {max_body} are allowed")
    return Head(length, kind, sequence)


def encode(kind: int, sequence: int, body: object) -> bytes:
    """A whole frame around `body` (anything msgspec can turn into JSON)."""
    data = msgspec.json.encode(body)
    return HEADER.pack(len(data), kind, VERSION, 0, sequence & 0xFFFFFFFF) + data


class Splitter:
    """Cuts a byte stream into (Head, body) pairs; holds at most one unfinished frame.

    >>> list(Splitter().feed(encode(ACK, 7, {})))
    [(Head(length=2, kind=18, sequence=7), b'{}')]
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._buffer = bytearray()
        self._max_body = max_body

    @property
    def pending(self) -> int:
        """Bytes of the unfinished frame."""
        return len(self._buffer)

    def allow(self, max_body: int) -> None:
        """Change the limit for the frames that come from now on."""
        self._max_body = max_body

    def feed(self, data: bytes) -> list[tuple[Head, bytes]]:
        """Add bytes, return the frames that they complete; raises FrameError."""
        self._buffer += data
        frames: list[tuple[Head, bytes]] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            head = decode_head(memoryview(self._buffer)[start : start + HEADER.size], self._max_body)
            end = start + HEADER.size + head.length
            if len(self._buffer) < end:
                break
            frames.append((head, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
