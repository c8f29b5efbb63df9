"""Processes: bpf/process.c and the forks of bpf/marks.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, socket_end, text

FORK = struct.Struct("=II")
EXEC = struct.Struct("=IIIIII32s64s256s")
EXIT = struct.Struct("=II")


def fork(data: bytes) -> Fields:
    child, _ = FORK.unpack_from(data, HEAD.size)
    return {"kind": "fork", "child_pid": child}


def execution(data: bytes) -> Fields:
    length, truncated, streams, nameless, _, _, address, name, path = EXEC.unpack_from(data, HEAD.size)
    start = HEAD.size + EXEC.size
    arguments = data[start : start + length]
    if arguments.endswith(b"\0"):
        arguments = arguments[:-1]
    argv = tuple(map(text, arguments.split(b"\0"))) if length else ()
    fields: Fields = {"kind": "exec", "path": text(path), "argv": argv, "argv_truncated": bool(truncated)}
    if nameless:
        fields |= {"nameless": True, "target": text(name)}
    if streams:
        fields |= {"streams": streams, **socket_end(address)}
    return fields


def policy(data: bytes) -> tuple[int, bool]:
    """The number of the policy that an exec was judged by, and whether it was enforced."""
    fields = EXEC.unpack_from(data, HEAD.size)
    return fields[4], bool(fields[5])


def end(data: bytes) -> Fields:
    code, _ = EXIT.unpack_from(data, HEAD.size)
    return {"kind": "exit", "exit_code": code}


DECODERS = {1: execution, 2: fork, 3: end}
