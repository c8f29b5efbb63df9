"""A policy from a file that somebody else writes: looked at every second, taken when it is whole and changed.

A mounted ConfigMap changes by a link to another folder: what counts is what the path leads to.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from collector.policy.document import MAX_DOCUMENT, Policy, PolicyError
from collector.policy.keeper import Keeper

Reader = Callable[[bytes, str], Policy]

SECONDS = 1.0


class PolicyFile:
    """`read` makes a policy of the file's bytes and name, or raises PolicyError."""

    def __init__(self, path: Path, keeper: Keeper, read: Reader) -> None:
        self._path, self._keeper, self._read_policy = path, keeper, read
        self._seen: tuple[int, ...] | None = None

    async def follow(self) -> None:
        """For ever."""
        while True:
            self.look()
            await asyncio.sleep(SECONDS)

    def look(self) -> None:
        """Take the file where it is news; what cannot be is said once, and the policy stays."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._keeper.apply(self._read_policy(_read(self._path), self._path.name), str(self._path))
        except PolicyError as error:
            self._keeper.refuse(str(error))

    def _state(self) -> tuple[int, ...]:
        with contextlib.suppress(OSError):
            found = os.stat(self._path)
            return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        return ()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT + 1)
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from None
