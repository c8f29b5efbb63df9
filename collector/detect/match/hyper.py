"""Hyperscan: all expressions as one automaton, compiled once for this kind of processor and kept as a file.

(https://intel.github.io/hyperscan/dev-reference/) Absent on some platforms: `AVAILABLE` says so, and the sets of RE2 do
the work.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from importlib import import_module, metadata
from platform import machine
from typing import Any

from collector.detect.match.pattern import Pattern

try:
    hyperscan: Any = import_module("hyperscan")
except ImportError:
    hyperscan = None

LONG = 1024
"""Characters of an expression that may be slow here."""

SLOW = 8
"""Times as long as a plain word takes."""

PROSE = b"The old man had taught the boy to fish, and the boy loved him; they went out to sea in two boats. " * 20

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


def compile_all(patterns: Sequence[tuple[int, Pattern]], slow: bool = True) -> tuple[bytes, list[int]]:
    """A serialised database, and the numbers of the expressions that are not in it: refused, or slow here, unless these
    are wanted, too. Each is tried alone only where they do not compile together."""
    good = [one for one in patterns if slow or not _slow(one[1])]
    database = _compile(good) if good else None
    if database is None:
        good = [one for one in good if _compile([one]) is not None]
        database = _compile(good) if good else None
    taken = {number for number, _ in good} if database is not None else set[int]()
    left = [number for number, _ in patterns if number not in taken]
    return (hyperscan.dumpb(database) if database is not None else b""), left


def _slow(pattern: Pattern) -> bool:
    """Whether a long expression is one large automaton here, without a fixed text to look for first: RE2 is quicker."""
    if len(pattern.expression) < LONG or (database := _compile([(0, pattern)])) is None:
        return False
    word = _compile([(0, Pattern("select"))])
    return _least(database) > SLOW * _least(word)


def _least(database: Any) -> int:
    """Nanoseconds for prose that holds nothing to find."""
    scan, took = Hyper(_ready(database)).scan, []
    for _ in range(20):
        before = time.process_time_ns()
        scan(PROSE)
        took.append(time.process_time_ns() - before)
    return min(took)


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
