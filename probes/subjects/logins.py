"""Logins through PAM: bpf/logins.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, socket_end, text

LOGIN = struct.Struct("=iI32s64s64s64s64s64s")
OPERATIONS = ("authenticate", "account", "open_session", "close_session")


def answered(data: bytes) -> Fields:
    """`result` is PAM's code, `path` the remote host as the service told PAM; the address is the kernel's."""
    result, operation, address, *texts = LOGIN.unpack_from(data, HEAD.size)
    service, user, host, remote_user, tty = map(text, texts)
    return {
        "kind": "login", "operation": OPERATIONS[operation], "result": result, "service": service, "user": user,
        "path": host, "target": remote_user, "tty": tty, **socket_end(address),
    }  # fmt: skip


DECODERS = {28: answered}
