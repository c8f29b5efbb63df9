"""The parts that several layouts share; they mirror probes/bpf/common.h and task.h."""

from __future__ import annotations

import socket
import struct
import sys
from functools import lru_cache
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
    family = int.from_bytes(data[:2], sys.byteorder)
    if family == socket.AF_INET and len(data) >= 8:
        return {"family": "ipv4", "address": _written(data[4:8]), "port": int.from_bytes(data[2:4], "big")}
    if family == socket.AF_INET6 and len(data) >= 24:
        return {"family": "ipv6", "address": _written(data[8:24]), "port": int.from_bytes(data[2:4], "big")}
    if family == socket.AF_UNIX:
        path = data[2:]
        return {"family": "unix", "path": "@" + text(path[1:]) if path[:1] == b"\0" else text(path)}
    return {}


@lru_cache(4096)
def _written(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


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
