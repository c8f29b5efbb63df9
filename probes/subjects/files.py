"""Opens: bpf/files.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, text

OPEN = struct.Struct("=iI")


def opened(data: bytes) -> Fields:
    result, flags = OPEN.unpack_from(data, HEAD.size)
    return {"kind": "open", "result": result, "flags": flags, "path": text(data[HEAD.size + OPEN.size :])}


DECODERS = {6: opened}
