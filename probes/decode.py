"""From the bytes of the ring buffer to events. Pure; the layouts mirror probes/bpf/*.c (a test compares them)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from probes.vocabulary import Attribution, KernelEvent

HEAD = struct.Struct("=QQIIIIII16s")
FORK = struct.Struct("=II")
EXEC = struct.Struct("=II256s")
EXIT = struct.Struct("=II")
SOCKET = struct.Struct("=iI128s")
OPEN = struct.Struct("=iI")
ATTRIBUTIONS: tuple[Attribution, ...] = ("none", "exact", "inherited")
Fields = dict[str, Any]


class UndecodableError(Exception):
    """Bytes of a kind or a length that this side does not know: counted, never fatal."""


def text(data: bytes) -> str:
    """Bytes of a C string as text; what is not UTF-8 is shown as \\xNN, so that it always fits into JSON."""
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _fork(data: bytes) -> Fields:
    child, _ = FORK.unpack_from(data, HEAD.size)
    return {"kind": "fork", "child_pid": child}


def _exec(data: bytes) -> Fields:
    length, truncated, path = EXEC.unpack_from(data, HEAD.size)
    start = HEAD.size + EXEC.size
    arguments = data[start : start + length]
    if arguments.endswith(b"\0"):
        arguments = arguments[:-1]
    argv = tuple(map(text, arguments.split(b"\0"))) if length else ()
    return {"kind": "exec", "path": text(path), "argv": argv, "argv_truncated": bool(truncated)}


def _exit(data: bytes) -> Fields:
    code, _ = EXIT.unpack_from(data, HEAD.size)
    return {"kind": "exit", "exit_code": code}


def peer(data: bytes) -> Fields:
    """A struct sockaddr as family, address and port; other families come out empty."""
    if len(data) < 2:
        return {}
    family = struct.unpack_from("=H", data)[0]
    if family == socket.AF_INET and len(data) >= 8:
        port = struct.unpack_from("!H", data, 2)[0]
        return {"family": "ipv4", "address": socket.inet_ntop(socket.AF_INET, data[4:8]), "port": port}
    if family == socket.AF_INET6 and len(data) >= 24:
        port = struct.unpack_from("!H", data, 2)[0]
        return {"family": "ipv6", "address": socket.inet_ntop(socket.AF_INET6, data[8:24]), "port": port}
    if family == socket.AF_UNIX:
        path = data[2:]
        return {"family": "unix", "path": "@" + text(path[1:]) if path[:1] == b"\0" else text(path)}
    return {}


def _socket(kind: str) -> Callable[[bytes], Fields]:
    def decode(data: bytes) -> Fields:
        result, length, address = SOCKET.unpack_from(data, HEAD.size)
        return {"kind": kind, "result": result, **peer(address[:length])}

    return decode


def _open(data: bytes) -> Fields:
    result, flags = OPEN.unpack_from(data, HEAD.size)
    return {"kind": "open", "result": result, "flags": flags, "path": text(data[HEAD.size + OPEN.size :])}


DECODERS = {1: _exec, 2: _fork, 3: _exit, 4: _socket("connect"), 5: _socket("accept"), 6: _open}


def decode(data: bytes, offset: int) -> KernelEvent:
    """One event; `offset` is what to add to the monotonic clock to get ns since the epoch. Raises UndecodableError."""
    try:
        time, request_id, pid, tid, parent, uid, kind, attribution, comm = HEAD.unpack_from(data)
        fields = DECODERS[kind](data)
    except (struct.error, KeyError) as error:
        raise UndecodableError(str(error)) from error
    return KernelEvent(
        time=time + offset,
        pid=pid,
        thread_id=tid,
        attribution=ATTRIBUTIONS[attribution] if attribution < len(ATTRIBUTIONS) else "none",
        request_id=f"{request_id:016x}" if request_id else "",
        parent_pid=parent,
        uid=uid,
        comm=text(comm),
        **fields,
    )
