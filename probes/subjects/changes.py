"""Files deleted, renamed, linked, given other rights: bpf/changes.c."""

from __future__ import annotations

from probes.layout import Fields, signed
from probes.subjects.calls import call


def deleted(data: bytes) -> Fields:
    told = call(data)
    return {"kind": "delete", "operation": told.name, "result": told.result, "path": told.text}


def renamed(data: bytes) -> Fields:
    told = call(data)
    return {"kind": "rename", "operation": told.name, "result": told.result, "path": told.text, "target": told.more}


def linked(data: bytes) -> Fields:
    """`path` is what the link leads to, `target` its name."""
    return renamed(data) | {"kind": "link"}


def rights(data: bytes) -> Fields:
    """`flags` is the mode; fchmod names a descriptor instead of a path."""
    told = call(data)
    path = f"descriptor {signed(told.second)}" if told.name == "fchmod" else told.text
    return {"kind": "chmod", "operation": told.name, "result": told.result, "path": path, "flags": told.first & 0o7777}


DECODERS = {20: deleted, 21: renamed, 22: linked, 23: rights}
