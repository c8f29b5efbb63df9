"""Logins through PAM: bpf/logins.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, socket_end, text

LOGIN = struct.Struct("=iIII32s64s64s64s64s64s")
OPERATIONS = ("authenticate", "account", "open_session", "close_session", "end")


def answered(data: bytes) -> Fields:
    """`result` is PAM's code, `path` the remote host as the service told PAM; the address is the kernel's; `size`, of
    an end without any answer, what the service refused by itself."""
    result, operation, refused, _, address, *texts = LOGIN.unpack_from(data, HEAD.size)
    service, user, host, remote_user, tty = map(text, texts)
    return {
        "kind": "login", "operation": OPERATIONS[operation], "result": result, "service": service, "user": user,
        "path": host, "target": remote_user, "tty": tty, "size": refused, **socket_end(address),
    }  # fmt: skip


DECODERS = {28: answered}
