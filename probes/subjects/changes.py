"""Files deleted, renamed, linked, cut, given other rights and owners: bpf/changes.c."""

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


def owner(data: bytes) -> Fields:
    """`ids` are the user and the group; -1 where it stays."""
    told = call(data)
    path = f"descriptor {signed(told.third)}" if told.name == "fchown" else told.text
    ids = signed(told.first), signed(told.second)
    return {"kind": "chown", "operation": told.name, "result": told.result, "path": path, "ids": ids}


def cut(data: bytes) -> Fields:
    """`size` is the new one, in bytes."""
    told = call(data)
    path = f"descriptor {signed(told.second)}" if told.name == "ftruncate" else told.text
    return {"kind": "truncate", "operation": told.name, "result": told.result, "path": path, "size": told.first}


DECODERS = {20: deleted, 21: renamed, 22: linked, 23: rights, 30: cut, 31: owner}
