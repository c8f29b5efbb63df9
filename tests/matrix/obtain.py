"""Interpreters that this machine lacks, unpacked from the distribution's packages into the cache.

apt fetches a package and all that it needs, its C library included, from the mirror that this machine is set up with
and checks the signatures, against a state of its own: nothing is installed. The loader and the libraries are then
written into the interpreter's own file, so that it runs where it lies, finds its standard library beside it, and hands
nothing on to the programs that it starts. Another processor's interpreter is started through qemu-user.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cache import CACHE
from tests.packages import UnobtainableError, private_state, run

COMPILED = """asyncio concurrent.futures.thread ctypes decimal email.mime.text html.parser http.server ipaddress
logging.config multiprocessing.pool pdb sqlite3 ssl tempfile unittest.mock urllib.request uuid wsgiref.simple_server
zipfile"""
"""What tests and frameworks import: compiled once, as the distribution would have at the installation."""
NATIVE = {"x86_64": "amd64", "aarch64": "arm64", "i686": "i386"}


@dataclass(frozen=True)
class Source:
    """A package of some suite of the distribution; `machine` is the processor that it is for, this one if empty."""

    package: str
    suites: tuple[str, ...]
    machine: str = ""


SOURCES = {
    "3.14": Source("python3.14", ("forky", "sid")),
    "3.11-i686": Source("python3.11", ("bookworm",), "i686"),
    "3.11-aarch64": Source("python3.11", ("bookworm",), "aarch64"),
}


def obtained(name: str) -> str:
    """The path of what was obtained under this name; empty where it was not."""
    path = _folder(name) / "usr" / "bin" / SOURCES[name].package if name in SOURCES else Path("/nowhere")
    return str(path) if path.exists() else ""


def reason(name: str) -> str:
    """Why the last try got nothing; empty where there was none."""
    note = _note(name)
    return note.read_text() if note.exists() else ""


def obtain(name: str) -> str:
    """Its path, fetched now if need be. Raises UnobtainableError, and keeps the text for `reason`."""
    folder, note = _folder(name), _note(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not obtained(name):
                _unpack(SOURCES[name], folder)
        except UnobtainableError as error:
            note.write_text(str(error))
            raise
        note.unlink(missing_ok=True)
    return obtained(name)


def _folder(name: str) -> Path:
    """Where it lies. The loader's path is written into the interpreter, so a moved cache has another folder."""
    place = CACHE.resolve() / "interpreters"
    return place / f"{name}-{hashlib.sha256(f'{place} {SOURCES[name]}'.encode()).hexdigest()[:10]}"


def _note(name: str) -> Path:
    return CACHE / "interpreters" / f"{name}.reason"


def _unpack(source: Source, folder: Path) -> None:
    """All packages into a scratch folder, then into their place at once."""
    for tool in ("apt-get", "dpkg-deb", "patchelf", *_emulator(source)):
        if not shutil.which(tool):
            raise UnobtainableError(f"needs {tool}, which this machine lacks")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        for archive in _download(source, Path(scratch) / "apt"):
            run("dpkg-deb", "-x", str(archive), str(root))
        _settle(root, folder, source)
        root.rename(folder)
    code = f"import sys; sys.dont_write_bytecode = False; import {', '.join(COMPILED.split())}"
    try:
        run(str(folder / "usr" / "bin" / source.package), "-c", code)
    except UnobtainableError:  # it does not run here
        shutil.rmtree(folder)
        raise


def _emulator(source: Source) -> tuple[str, ...]:
    """The program that runs that processor's code here, where it needs one."""
    here = platform.machine()
    native = source.machine in ("", here) or (source.machine, here) == ("i686", "x86_64")
    return () if native else (f"qemu-{source.machine}-static",)


def _download(source: Source, state: Path) -> list[Path]:
    """The package and everything that it needs, from the first suite that has it."""
    problem = ""
    for suite in source.suites:
        shutil.rmtree(state, ignore_errors=True)
        options = private_state(state, suite, NATIVE.get(source.machine or platform.machine(), source.machine))
        try:
            run("apt-get", *options, "update")
            run("apt-get", *options, "-y", "--no-install-recommends", "--download-only", "install", source.package)
        except UnobtainableError as error:
            problem = str(error)
        else:
            archives = sorted((state / "archives").glob("*.deb"))
            if any(archive.name.startswith(f"{source.package}_") for archive in archives):
                return archives
            problem = f"{suite} has no {source.package}"  # apt takes a name with a dot for a pattern, too
    raise UnobtainableError(problem)


def _settle(root: Path, folder: Path, source: Source) -> None:
    """Make the interpreter run from `folder`, where `root` is going to lie."""
    binary = root / "usr" / "bin" / source.package
    loader = run("patchelf", "--print-interpreter", str(binary)).strip().lstrip("/")
    place = next((p for p in (Path(loader), Path("usr", loader)) if (root / p).is_file()), None)
    if place is None:
        raise UnobtainableError(f"its packages have no {loader}")
    libraries = {p.parent.relative_to(root) for p in root.glob("**/*-linux-gnu/*.so*")}
    paths = ":".join(sorted(f"$ORIGIN/../../{path}" for path in libraries))
    run("patchelf", "--set-interpreter", str(folder / place), "--force-rpath", "--set-rpath", paths, str(binary))
    if emulator := _emulator(source):
        elf = binary.rename(binary.with_name(f"{binary.name}.elf"))
        words = f'exec {emulator[0]} -0 "$0" {folder / elf.relative_to(root)} "$@"'
        binary.write_text(f"#!/bin/sh\n{words}\n")
        binary.chmod(0o755)
