"""Connections: bpf/sockets.c."""

from __future__ import annotations

import struct
from collections.abc import Callable

from probes.layout import HEAD, Fields, peer

SOCKET = struct.Struct("=iIII128s")


def _socket(kind: str) -> Callable[[bytes], Fields]:
    def decode(data: bytes) -> Fields:
        result, length, verified, _, address = SOCKET.unpack_from(data, HEAD.size)
        return {"kind": kind, "result": result, "verified": bool(verified), **peer(address[:length])}

    return decode


DECODERS = {4: _socket("connect"), 5: _socket("accept"), 7: _socket("bind"), 8: _socket("listen")}
