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
    """An unpacked kernel: `release` as uname says it; `folder` holds `boot/` and `lib/modules/`."""

    suite: str
    release: str
    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "boot" / f"vmlinuz-{self.release}"


SUITES = ("bullseye", "bookworm", "trixie", "forky", "sid")


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
    release = next((folder / "boot").glob("vmlinuz-*")).name.partition("-")[2]
    return Kernel(suite, release, folder)


def _unpack(suite: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root, state = Path(scratch) / "root", Path(scratch) / "apt"
        machine = platform.machine()
        options = private_state(state, suite, ARCHITECTURE.get(machine, machine))
        run("apt-get", *options, "update")
        archive = download(options, _package(options), Path(scratch))
        run("dpkg-deb", "-x", str(archive), str(root))
        modules = next(path for path in (root / "lib/modules", root / "usr/lib/modules") if path.is_dir())
        if modules != root / "lib/modules":
            (root / "lib").mkdir(exist_ok=True)
            modules = modules.rename(root / "lib/modules")
        run("busybox", "depmod", "-b", str(root), next(modules.iterdir()).name)
        root.rename(folder)


def _package(options: list[str]) -> str:
    """The package that the suite's newest kernel is in: the metapackage names it."""
    meta = f"linux-image-{FLAVOUR}{ARCHITECTURE.get(platform.machine(), platform.machine())}"
    said = run("apt-cache", *options, "depends", meta)
    found = re.search(r"Depends: (linux-image-\d\S+)", said)
    if not found:
        raise UnobtainableError(f"nothing is behind {meta}")
    return found[1]
