"""The parts that several layouts share; they mirror probes/bpf/common.h and task.h."""

from __future__ import annotations

import socket
import struct
from typing import Any

HEAD = struct.Struct("=QQQIIIIIIII16s")
INET = struct.Struct("=32s")
Fields = dict[str, Any]


class UndecodableError(Exception):
    """Bytes of a kind or a length that this side does not know: counted, never fatal."""


def text(data: bytes) -> str:
    """Bytes of a C string as text; what is not UTF-8 is shown as \\xNN, so that it always fits into JSON."""
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def signed(value: int, bits: int = 32) -> int:
    """An argument's register as the C type that the call takes it for.

    >>> signed(0xFFFFFFFF), signed(7)
    (-1, 7)
    """
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


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


def socket_end(data: bytes) -> Fields:
    """The other end of a socket as task.h reads it: no path of a Unix socket, nothing where it is not connected."""
    fields = peer(data)
    fields.pop("path", None)
    if not fields.get("port"):
        fields.pop("address", None)
    return fields


def own_end(data: bytes, net: int) -> Fields:
    """The own end of a connection and its network namespace; nothing where the kernel did not tell."""
    fields = peer(data)
    if not fields.get("port"):
        return {}
    return {"local_address": fields["address"], "local_port": fields["port"], "net": net}
