"""What policies decided: bpf/policy.h, bpf/connections.c, bpf/paths.h and bpf/protect.c."""

from __future__ import annotations

import errno
import struct

from probes.layout import HEAD, Fields, socket_end, text
from probes.subjects import process
from probes.subjects.calls import OPERATIONS

DECISION = struct.Struct("=IIII32s")
FILE = struct.Struct("=4I")
WOULD_HAVE, DENIED = 0, 1
"""What `enforced` says of a file; 2: the process has ended, but the call had its effect."""


def decision(data: bytes) -> Fields:
    """`policy` is the kernel's number of it; `result` what the caller got, or would have got without it."""
    policy, enforced, operation, _, address = DECISION.unpack_from(data, HEAD.size)
    fields = {
        "kind": "decision", "policy": str(policy), "enforced": bool(enforced), "operation": OPERATIONS[operation],
        "result": -errno.EPERM if enforced else 0,
    }  # fmt: skip
    return fields | socket_end(address)


def execution(data: bytes) -> Fields:
    """Of an exec: all that an exec tells."""
    told = process.execution(data)
    policy, enforced = process.policy(data)
    result = -errno.EPERM if enforced else 0
    return told | {
        "kind": "decision", "policy": str(policy), "enforced": enforced, "operation": "execve", "result": result,
    }  # fmt: skip


def file(data: bytes) -> Fields:
    """Of an open or a change of a file: `path` is the file's, `flags` what was denied of open(2)'s O_RDONLY, O_WRONLY,
    O_RDWR."""
    policy, enforced, denied, operation = FILE.unpack_from(data, HEAD.size)
    return {
        "kind": "decision", "policy": str(policy), "enforced": enforced != WOULD_HAVE,
        "operation": OPERATIONS[operation - 1] if operation else "open", "flags": denied - 1,
        "path": text(data[HEAD.size + FILE.size :]), "result": -errno.EPERM if enforced == DENIED else 0,
    }  # fmt: skip


DECODERS = {25: decision, 26: execution, 27: file}
