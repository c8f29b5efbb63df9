"""Kernels of the distribution's releases, unpacked into the cache."""

from __future__ import annotations

import fcntl
import platform
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cache import CACHE
from tests.packages import UnobtainableError, download, private_state, run

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
FLAVOUR = "cloud-"
"""The flavour for virtual machines: the same kernel with fewer drivers."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel: `release` as uname says it; `folder` holds `lib/modules/`."""

    suite: str
    release: str
    folder: Path

    @property
    def image(self) -> Path:
        places = (f"boot/vmlinuz-{self.release}", f"lib/modules/{self.release}/vmlinuz")
        return next(self.folder / place for place in places if (self.folder / place).exists())


SUITES = ("bullseye", "bookworm", "trixie", "sid")


def kernel(suite: str) -> Kernel:
    """The kernel of a release, fetched if need be; raises UnobtainableError."""
    for tool in ("apt-get", "dpkg-deb", "busybox"):
        if not shutil.which(tool):
            raise UnobtainableError(f"needs {tool}, which this machine lacks")
    folder = CACHE / "kernels" / suite
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _unpack(suite, folder)
    return Kernel(suite, next((folder / "lib/modules").iterdir()).name, folder)


def _unpack(suite: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root, state = Path(scratch) / "root", Path(scratch) / "apt"
        machine = platform.machine()
        options = private_state(state, suite, ARCHITECTURE.get(machine, machine))
        run("apt-get", *options, "update")
        for package in _packages(options):
            run("dpkg-deb", "-x", str(download(options, package, Path(scratch))), str(root))
        modules = next(path for path in (root / "lib/modules", root / "usr/lib/modules") if path.is_dir())
        if modules != root / "lib/modules":
            (root / "lib").mkdir(exist_ok=True)
            modules = modules.rename(root / "lib/modules")
        run("busybox", "depmod", "-b", str(root), next(modules.iterdir()).name)
        root.rename(folder)


def _packages(options: list[str]) -> list[str]:
    """Those that the suite's newest kernel is in: the metapackage names one, and that may name the rest."""
    meta = f"linux-image-{FLAVOUR}{ARCHITECTURE.get(platform.machine(), platform.machine())}"
    found = re.search(r"Depends: (linux-image-\d\S+)", run("apt-cache", *options, "depends", meta))
    if not found:
        raise UnobtainableError(f"nothing is behind {meta}")
    parts = re.findall(r"Depends: (linux-(?:binary|modules)-\S+)", run("apt-cache", *options, "depends", found[1]))
    return [found[1], *parts]
