"""The kernel's BPF LSM: whether it is on, and its hooks. Where it is off, a program for it loads and does nothing."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from pathlib import Path

from probes.distribution import library

ACTIVE = Path("/sys/kernel/security/lsm")
BPF_LSM_MAC = 27


def hook(name: str) -> int:
    """The BTF id of a hook; raises OSError with the reason where programs for it have no effect here."""
    modules = ""
    with contextlib.suppress(OSError):
        modules = ACTIVE.read_text().strip()
    if "bpf" not in modules.split(","):
        told = f"the kernel's active modules are {modules}" if modules else f"{ACTIVE} cannot be read"
        raise OSError(errno.EOPNOTSUPP, f"the BPF LSM is not active ({told})")
    find = library().libbpf_find_vmlinux_btf_id
    find.argtypes = [ctypes.c_char_p, ctypes.c_int]
    found = int(find(name.encode(), BPF_LSM_MAC))
    if found <= 0:
        raise OSError(-found, f"this kernel has no LSM hook {name}")
    return found
