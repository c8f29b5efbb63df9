"""All expressions of all rules as one database: a text is scanned once and tells which of them match.

Hyperscan where it is installed; RE2's sets for what it refuses, and for everything where it is missing. Either way the
time is linear to the text. `scan` remembers what it found of short texts: user agents, header values, names and flags
come again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from collector.detect.match import cache, hyper
from collector.detect.match.pattern import Pattern
from collector.detect.match.sets import Sets

FORMAT = 3
MAX_REMEMBERED = 8192
"""Texts whose result is remembered; then it begins anew."""

MAX_TEXT = 256
"""Characters of a text that is remembered."""


class Database:
    """Patterns by their place in the list, or by the numbers given. `refused`: those that no engine takes, with the
    reason. `engine`: hyperscan, re2, or both. Without `slow` RE2 takes what it finds much quicker: for texts of which
    most hold nothing, and expressions that both engines read alike (`$` is not the same to them before a last line
    feed)."""

    def __init__(
        self, patterns: Sequence[Pattern], where: Path | None = None, fallback: bool = False, encoding: str = "utf-8",
        numbers: Sequence[int] | None = None, slow: bool = True,
    ) -> None:  # fmt: skip
        numbered = list(zip(range(len(patterns)) if numbers is None else numbers, patterns, strict=True))
        self._hyper, left = (None, numbered) if fallback or not hyper.AVAILABLE else _hyper(numbered, where, slow)
        self._sets = Sets(left)
        self.refused = self._sets.refused
        self._only = self._hyper.scan if self._hyper is not None and not left else None
        self.engine = "hyperscan" if self._only else "both" if self._hyper else "re2"
        self._encoding = encoding
        self._known: dict[str, tuple[int, ...]] = {}

    def scan(self, text: str) -> tuple[int, ...]:
        """The numbers of the patterns that match a text; of short texts they are remembered."""
        known = self._known.get(text)
        if known is not None:
            return known
        found = tuple(self.find(text))
        if len(text) <= MAX_TEXT:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[text] = found
        return found

    def find(self, text: str) -> list[int]:
        """The same, for texts that do not come again."""
        data = text.encode(self._encoding, "replace")
        if self._only is not None:
            return self._only(data)
        found = self._hyper.scan(data) if self._hyper is not None else []
        return found + self._sets.scan(data)


def _hyper(
    patterns: list[tuple[int, Pattern]], where: Path | None, slow: bool
) -> tuple[hyper.Hyper | None, list[tuple[int, Pattern]]]:
    """The database from the cache, or compiled; and the patterns that are not in it."""
    name = _name(patterns, slow)

    def make() -> bytes:
        return msgspec.msgpack.encode(hyper.compile_all(patterns, slow))

    for attempt in (0, 1):
        try:
            data, left = msgspec.msgpack.decode(cache.fetch(where, name, make), type=tuple[bytes, list[int]])
            loaded = hyper.load(data) if data else None
            return loaded, [one for one in patterns if one[0] in set(left)]
        except (hyper.RefusedError, msgspec.MsgspecError):
            cache.forget(where, name)
            if attempt:
                break
    return None, patterns


def _name(patterns: list[tuple[int, Pattern]], slow: bool) -> str:
    content = msgspec.msgpack.encode((FORMAT, hyper.version(), hyper.platform(), patterns, slow))
    return hashlib.sha256(content).hexdigest()[:40] + ".db"
