"""Reaching into the kernel and its view of files: bpf/system.c."""

from __future__ import annotations

from probes.layout import Fields
from probes.subjects.calls import call

COMMANDS = (
    "MAP_CREATE", "MAP_LOOKUP_ELEM", "MAP_UPDATE_ELEM", "MAP_DELETE_ELEM", "MAP_GET_NEXT_KEY", "PROG_LOAD", "OBJ_PIN",
    "OBJ_GET", "PROG_ATTACH", "PROG_DETACH", "PROG_TEST_RUN", "PROG_GET_NEXT_ID", "MAP_GET_NEXT_ID",
    "PROG_GET_FD_BY_ID", "MAP_GET_FD_BY_ID", "OBJ_GET_INFO_BY_FD", "PROG_QUERY", "RAW_TRACEPOINT_OPEN", "BTF_LOAD",
    "BTF_GET_FD_BY_ID", "TASK_FD_QUERY", "MAP_LOOKUP_AND_DELETE_ELEM", "MAP_FREEZE", "BTF_GET_NEXT_ID",
    "MAP_LOOKUP_BATCH", "MAP_LOOKUP_AND_DELETE_BATCH", "MAP_UPDATE_BATCH", "MAP_DELETE_BATCH", "LINK_CREATE",
    "LINK_UPDATE", "LINK_GET_FD_BY_ID", "LINK_GET_NEXT_ID", "ENABLE_STATS", "ITER_CREATE", "LINK_DETACH",
    "PROG_BIND_MAP", "TOKEN_CREATE",
)  # fmt: skip
"""enum bpf_cmd."""


def module(data: bytes) -> Fields:
    """`path` is the module's name, or its parameters where it is being loaded."""
    told = call(data)
    return {"kind": "module", "operation": told.name, "result": told.result, "path": told.text}


def bpf(data: bytes) -> Fields:
    told = call(data)
    number = told.first & 0xFFFFFFFF
    name = COMMANDS[number] if number < len(COMMANDS) else str(number)
    return {"kind": "bpf", "operation": name, "result": told.result}


def mounted(data: bytes) -> Fields:
    """`path` is what is mounted (or unmounted), `target` where."""
    told = call(data)
    fields = {"kind": "mount", "operation": told.name, "result": told.result, "path": told.text, "target": told.more}
    return fields | {"flags": told.first & 0xFFFFFFFF}


def namespace(data: bytes) -> Fields:
    """`flags` are the CLONE_NEW* bits."""
    told = call(data)
    return {"kind": "namespace", "operation": told.name, "result": told.result, "flags": told.first & 0xFFFFFFFF}


DECODERS = {16: module, 17: bpf, 18: mounted, 19: namespace}
