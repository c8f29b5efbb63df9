"""The layout of a system call as bpf/calls.h tells it, and the names of the calls."""

from __future__ import annotations

import struct

from msgspec import Struct

from probes.layout import HEAD, text

CALL = struct.Struct("=iIQQQ")
PATH_SIZE = 256
OPERATIONS = (
    "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "memfd_create", "mmap", "mprotect", "pkey_mprotect",
    "dup", "dup2", "dup3", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "setuid", "setgid",
    "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset", "init_module", "finit_module",
    "delete_module", "bpf", "mount", "umount2", "move_mount", "pivot_root", "unshare", "setns", "bind",
    "listen", "sendto", "sendmsg", "sendmmsg", "connect", "signal", "execve",
    "truncate", "ftruncate", "chown", "lchown", "fchown", "fchownat", "mkdir", "mknod",
)  # fmt: skip
"""In the order of enum operation."""


class Call(Struct, frozen=True):
    """A call: result or negative errno, its name's number, up to three arguments and two texts."""

    result: int
    number: int
    first: int
    second: int
    third: int
    text: str = ""
    more: str = ""

    @property
    def name(self) -> str:
        return OPERATIONS[self.number] if self.number < len(OPERATIONS) else str(self.number)


def call(data: bytes) -> Call:
    """Raises struct.error for what is too short."""
    texts = data[HEAD.size + CALL.size :]
    result, number, first, second, third = CALL.unpack_from(data, HEAD.size)
    return Call(result, number, first, second, third, text(texts[:PATH_SIZE]), text(texts[PATH_SIZE:]))
