"""The frame of the probe socket, as proto/wire/README.md has it. No I/O here."""

from __future__ import annotations

import struct

import msgspec

HEADER = struct.Struct(">IBBHI")
VERSION = 1
MAX_BODY = 1 << 20


class FrameError(Exception):
    """Bytes that are no frame of ours; the connection cannot be read further."""


def encode(kind: int, sequence: int, body: object) -> bytes:
    """A whole frame around `body`."""
    data = msgspec.json.encode(body)
    return HEADER.pack(len(data), kind, VERSION, 0, sequence) + data


class Splitter:
    """Cuts a byte stream into (kind, sequence, body); holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Add bytes, return the frames that they complete; raises FrameError."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= HEADER.size:
            length, kind, version, reserved, sequence = HEADER.unpack_from(self._buffer)
            if version != VERSION or reserved or length > MAX_BODY:
                raise FrameError(f"length {length}, version {version}, reserved {reserved}")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((kind, sequence, bytes(self._buffer[HEADER.size : end])))
            del self._buffer[:end]
        return frames
