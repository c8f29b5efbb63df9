"""Hyperscan: all expressions as one automaton, compiled once for this kind of processor and kept as a file.

(https://intel.github.io/hyperscan/dev-reference/) Absent on some platforms: `AVAILABLE` says so, and the sets of RE2 do
the work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import import_module, metadata
from platform import machine
from typing import Any

from collector.detect.match.pattern import Pattern

try:
    hyperscan: Any = import_module("hyperscan")
except ImportError:
    hyperscan = None

AVAILABLE: bool = hyperscan is not None


def version() -> str:
    """Of the library: a database of another one is not loaded."""
    return metadata.version("hyperscan") if AVAILABLE else ""


def platform() -> str:
    """What processor a database is compiled for."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        flags = ""
    return f"{machine()} {hashlib.sha256(flags.encode()).hexdigest()[:8]}"


class RefusedError(Exception):
    """A stored database that does not fit this library or processor."""


class Hyper:
    """A database in use. One scan at a time: one object for each thread."""

    def __init__(self, database: Any) -> None:
        self._scan = database.scan

    def scan(self, data: bytes) -> list[int]:
        """The numbers of the expressions that match."""
        found: list[int] = []
        self._scan(data, match_event_handler=_take, context=found)
        return found


def load(data: bytes) -> Hyper:
    """From what `compile_all` gave; raises RefusedError."""
    try:
        return Hyper(_ready(hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)))
    except hyperscan.error as error:
        raise RefusedError(str(error)) from None


def compile_all(patterns: Sequence[tuple[int, Pattern]]) -> tuple[bytes, list[int]]:
    """A serialised database, and the numbers of the expressions that are not in it. Each is tried alone only where
    they do not compile together."""
    good = list(patterns)
    database = _compile(good) if good else None
    if database is None:
        good = [one for one in patterns if _compile([one]) is not None]
        database = _compile(good) if good else None
    taken = {number for number, _ in good} if database is not None else set[int]()
    left = [number for number, _ in patterns if number not in taken]
    return (hyperscan.dumpb(database) if database is not None else b""), left


def _compile(patterns: Sequence[tuple[int, Pattern]]) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[pattern.expression.encode() for _, pattern in patterns],
            ids=[number for number, _ in patterns],
            flags=[_flags(pattern) for _, pattern in patterns],
        )
    except hyperscan.error:
        return None
    return database


def _ready(database: Any) -> Any:
    if getattr(database, "scratch", None) is None:
        database.scratch = hyperscan.Scratch(database)
    return database


def _flags(pattern: Pattern) -> int:
    flags: int = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    flags |= hyperscan.HS_FLAG_CASELESS if pattern.caseless else 0
    return flags | (hyperscan.HS_FLAG_MULTILINE if pattern.multiline else 0)


def _take(number: int, _start: int, _end: int, _flags: int, found: list[int]) -> None:
    found.append(number)
