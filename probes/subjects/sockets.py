"""Connections: bpf/sockets.c, bpf/turns.c."""

from __future__ import annotations

import struct
from collections.abc import Callable

from probes.layout import HEAD, Fields, own_end, peer, socket_end

SOCKET = struct.Struct("=iIII32s")
TURN = struct.Struct("=II32s32s")


def _socket(kind: str) -> Callable[[bytes], Fields]:
    def decode(data: bytes) -> Fields:
        result, length, verified, net, local = SOCKET.unpack_from(data, HEAD.size)
        start = HEAD.size + SOCKET.size
        fields = peer(data[start : start + length])
        if net:
            fields |= own_end(local, net)
        fields |= {"kind": kind, "result": result, "verified": bool(verified)}
        return fields

    return decode


def turn(data: bytes) -> Fields:
    """`size`: which turn on this connection it is."""
    number, net, address, local = TURN.unpack_from(data, HEAD.size)
    return {"kind": "turn", "size": number, "verified": True, **socket_end(address), **own_end(local, net)}


DECODERS = {
    4: _socket("connect"), 5: _socket("accept"), 7: _socket("bind"), 8: _socket("listen"), 29: turn,
}  # fmt: skip
