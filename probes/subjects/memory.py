"""Code without a file: bpf/memory.c."""

from __future__ import annotations

from probes.layout import Fields
from probes.subjects.calls import call


def memfd(data: bytes) -> Fields:
    told = call(data)
    flags = told.first & 0xFFFFFFFF
    return {"kind": "memfd", "operation": told.name, "result": told.result, "path": told.text, "flags": flags}


def executable(data: bytes) -> Fields:
    """`flags` is the protection, `size` in bytes."""
    told = call(data)
    fields = {
        "kind": "executable_memory",
        "operation": told.name,
        "size": told.first,
        "flags": told.second & 0xFFFFFFFF,
    }
    return fields | {"result": min(told.result, 0)}


DECODERS = {11: memfd, 12: executable}
