"""Submissions to io_uring: bpf/io_uring.c."""

from __future__ import annotations

from probes.layout import Fields
from probes.subjects.calls import call

OPCODES = {
    9: "SENDMSG", 13: "ACCEPT", 16: "CONNECT", 18: "OPENAT", 26: "SEND", 28: "OPENAT2", 35: "RENAMEAT", 36: "UNLINKAT",
    37: "MKDIRAT", 38: "SYMLINKAT", 39: "LINKAT", 41: "FSETXATTR", 42: "SETXATTR", 45: "SOCKET", 46: "URING_CMD",
    47: "SEND_ZC", 48: "SENDMSG_ZC", 55: "FTRUNCATE", 56: "BIND", 57: "LISTEN",
}  # fmt: skip


def submitted(data: bytes) -> Fields:
    """`flags` is 1 where a submission thread of the kernel did it."""
    told = call(data)
    return {"kind": "io_uring", "operation": OPCODES.get(told.number, str(told.number)), "flags": told.first & 1}


DECODERS = {10: submitted}
