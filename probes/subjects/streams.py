"""Sockets on standard streams: bpf/streams.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, socket_end
from probes.subjects.calls import OPERATIONS

STREAM = struct.Struct("=iI32s")


def stream(data: bytes) -> Fields:
    """`streams` has the bit of the descriptor."""
    descriptor, operation, address = STREAM.unpack_from(data, HEAD.size)
    fields = {"kind": "stream", "operation": OPERATIONS[operation], "result": descriptor, "streams": 1 << descriptor}
    return fields | socket_end(address)


DECODERS = {13: stream}
