"""The frameworks' source distributions, which carry their tests: pinned in sources.txt, unpacked once in the cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cache import CACHE

SOURCES = CACHE / "sources"
PINS = Path(__file__).with_name("sources.txt")


def source(requirement: str, python: str) -> Path:
    """The unpacked folder of `name==version`, which a CPython of version `python` runs. Raises RuntimeError."""
    (pin,) = [line for line in PINS.read_text().splitlines() if line.startswith(requirement + " ")]
    folder = SOURCES / f"{requirement.replace('==', '-')}-{pin[-64:][:10]}"
    if not folder.exists():
        SOURCES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SOURCES) as scratch:
            unpacked(download(pin, python, Path(scratch)), Path(scratch)).rename(folder)
    return folder


def download(pin: str, python: str, scratch: Path) -> Path:
    """The archive, fetched by pip, which checks its hash."""
    lock = scratch / "lock.txt"
    lock.write_text(pin + "\n")
    words = ["download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
    command = [sys.executable, "-m", "pip", *words, "--python-version", python, "-r", str(lock), "-d", str(scratch)]
    for _ in range(2):  # the network has its moments
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if not done.returncode:
            return next(path for path in scratch.iterdir() if path != lock)
    raise RuntimeError(f"{pin}: {done.stdout[-500:]}{done.stderr[-2000:]}")


def unpacked(archive: Path, scratch: Path) -> Path:
    """The one folder in an archive."""
    shutil.unpack_archive(archive, scratch / "unpacked")
    (folder,) = (scratch / "unpacked").iterdir()
    return folder
