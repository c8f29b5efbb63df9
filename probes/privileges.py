"""What the probe process may still do once the programs are loaded: little, and never more again.

Kept are the capabilities for maps (BPF, PERFMON; SYS_ADMIN only below Linux 5.8, where there are none of the former),
for other users' /proc entries (SYS_PTRACE, DAC_READ_SEARCH), and, with `--stay`, DAC_OVERRIDE to reach the socket of a
collector that runs as another user. Without libseccomp the system call filter is left out, and that is said.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Sequence

CAPABILITIES = {"DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "PERFMON": 38, "BPF": 39}
KEPT = ("BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH")
LAST_CAPABILITY = 63
VERSION_3 = 0x20080522
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

REFUSE = 0x00050000 | 1
"""SCMP_ACT_ERRNO(EPERM): a refused call fails, and the process goes on."""

ALLOW = 0x7FFF0000
AF_UNIX = 1
CALLS = (
    "read", "readv", "write", "writev", "pread64", "close", "stat", "fstat", "lstat", "newfstatat", "statx", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "lseek", "fcntl", "ioctl", "dup", "poll",
    "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "connect", "sendto", "sendmsg", "recvfrom", "recvmsg", "shutdown", "getsockopt", "setsockopt", "getsockname",
    "getpeername", "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "clock_gettime",
    "clock_nanosleep", "clock_getres", "nanosleep", "gettimeofday", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "restart_syscall", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
    "getcwd", "uname", "sysinfo", "getrusage", "getrlimit", "prlimit64", "sched_yield", "sched_getaffinity",
    "getrandom", "rseq", "set_robust_list", "bpf", "exit", "exit_group", "wait4", "tgkill",
)  # fmt: skip
"""What reading, asking the kernel's maps, and a Python that ends need. Nothing is executed, and
files are opened for reading only."""

WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
EQUAL, MASKED_EQUAL = 4, 7
"""SCMP_CMP_EQ and SCMP_CMP_MASKED_EQ."""


def drop(kept: Iterable[str] = KEPT) -> None:
    """Keep only these capabilities, in every set, for good. Nothing happens without root's rights."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    wanted = sum(1 << CAPABILITIES[name] for name in kept)
    for number in range(LAST_CAPABILITY + 1):
        if not wanted >> number & 1 and libc.prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    rest = wanted & permitted()
    low, high = rest & 0xFFFFFFFF, rest >> 32
    header = struct.pack("=Ii", VERSION_3, 0)
    if libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def permitted() -> int:
    """This process's permitted capabilities, as bits."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))


def names(bits: int) -> list[str]:
    """Capabilities by name; a number where we have none.

    >>> names(1 << 39 | 1 << 5)
    ['5', 'BPF']
    """
    known = {number: name for name, number in CAPABILITIES.items()}
    return [known.get(number, str(number)) for number in range(LAST_CAPABILITY + 1) if bits >> number & 1]


def filter_calls(calls: Sequence[str] = CALLS) -> str:
    """Refuse every system call but these, sockets but local ones, opens but for reading. Empty, or why not."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return "libseccomp is not installed"
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(REFUSE)
    if not context:
        return f"libseccomp knows no {platform.machine()}"
    try:
        for call in calls:
            _allow(library, context, call)
        _allow(library, context, "socket", _Compare(0, EQUAL, AF_UNIX, 0))
        _allow(library, context, "openat", _Compare(2, MASKED_EQUAL, WRITING, 0))
        _allow(library, context, "open", _Compare(1, MASKED_EQUAL, WRITING, 0))
        failed = library.seccomp_load(context)
    finally:
        library.seccomp_release(context)
    return f"the kernel refused the filter: {os.strerror(-failed)}" if failed else ""


class _Compare(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = [
        ("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)
    ]  # fmt: skip


def _allow(library: ctypes.CDLL, context: int, call: str, *conditions: _Compare) -> None:
    number = library.seccomp_syscall_resolve_name(call.encode())
    if number == -1:  # this architecture, or this libseccomp, has no such call
        return
    array = (_Compare * max(1, len(conditions)))(*conditions)
    add = library.seccomp_rule_add_array
    add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    add(context, ALLOW, number, len(conditions), array)
