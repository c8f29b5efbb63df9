"""The kernel's BPF LSM: whether it is on, and its hooks. Where it is off, a program for it loads and does nothing."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

from probes import btf

ACTIVE = Path("/sys/kernel/security/lsm")


def hook(name: str) -> int:
    """The BTF id of a hook; raises OSError with the reason where programs for it have no effect here."""
    modules = ""
    with contextlib.suppress(OSError):
        modules = ACTIVE.read_text().strip()
    if "bpf" not in modules.split(","):
        told = f"the kernel's active modules are {modules}" if modules else f"{ACTIVE} cannot be read"
        raise OSError(errno.EOPNOTSUPP, f"the BPF LSM is not active ({told})")
    return btf.function(f"bpf_lsm_{name}")
