"""Compiled programs kept on disk, so that only the first start on a kernel compiles.

What lies there is loaded into the kernel: so the directory and its files must belong to the user that loads, and nobody
else may write to them; whatever does not hold that, or is not whole, is as if it were not there. The name of a file is
a hash of all that the result depends on: sources, kernel build, compiler, headers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from probes.objects import Objects

FORMAT = b"cowitness objects 1"
SUFFIX = ".objects"
KEPT = 4
"""Files that are kept: the newest. Each has some 200 KiB."""

MAX_BYTES = 8 << 20
BUILD = Path("/sys/kernel/notes")
"""The build id of the running kernel."""


def key(texts: Iterable[bytes], files: Iterable[Path]) -> str:
    """A name for what comes of these texts, on this kernel, with these files (compiler, headers) as they are now."""
    parts = [FORMAT, " ".join(os.uname()[2:]).encode(), *texts]
    with contextlib.suppress(OSError):
        parts.append(BUILD.read_bytes())
    for path in files:
        with contextlib.suppress(OSError):
            state = path.stat()
            parts.append(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


class Cache:
    """The directory at `path`; made when first written to. An empty path keeps nothing."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, name: str) -> Objects | None:
        """What was kept under this name, if all is as it should be."""
        with contextlib.suppress(OSError, msgspec.DecodeError), self._directory() as directory:
            descriptor = os.open(name + SUFFIX, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
            with open(descriptor, "rb") as file:
                _check(os.fstat(file.fileno()), stat.S_ISREG)
                found, data = file.read(32), file.read(MAX_BYTES)
            if found == hashlib.sha256(data).digest():
                return msgspec.msgpack.decode(data, type=Objects)
        return None

    def write(self, name: str, objects: Objects) -> str:
        """Keep it; empty, or why that cannot be."""
        data = msgspec.msgpack.encode(objects)
        try:
            if self._path:
                os.makedirs(self._path, mode=0o700, exist_ok=True)
            with self._directory() as directory:
                _replace(directory, name + SUFFIX, hashlib.sha256(data).digest() + data)
                _prune(directory)
        except OSError as error:
            return f"{self._path or 'no directory'}: {error.strerror}"
        return ""

    @contextlib.contextmanager
    def _directory(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _check(os.fstat(descriptor), stat.S_ISDIR)
            yield descriptor
        finally:
            os.close(descriptor)


def _check(state: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    """Whether only we can have written there; raises PermissionError."""
    if not is_kind(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise PermissionError(0, "others may write there")


def _replace(directory: int, name: str, data: bytes) -> None:
    """All of it or nothing of it: written beside, then renamed."""
    beside = f".{name}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):  # of an earlier process of this number, that did not come to an end
        os.unlink(beside, dir_fd=directory)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.rename(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        os.unlink(beside, dir_fd=directory)
        raise


def _prune(directory: int) -> None:
    names = [name for name in os.listdir(directory) if name.endswith(SUFFIX)]
    ages = {name: os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime_ns for name in names}
    for name in sorted(ages, key=ages.__getitem__)[:-KEPT]:
        os.unlink(name, dir_fd=directory)
