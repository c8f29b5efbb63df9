"""Where an input stands in an operation's text. Apps strip and shorten what they take; both are looked for."""

from __future__ import annotations

from collections.abc import Iterator

MAX_OCCURRENCES = 16
MAX_TEXT = 65536
"""Characters of an operation's text that are looked at (an agent sends no more)."""


def spans(value: str, text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the first MAX_OCCURRENCES places of an input in a text.

    >>> list(spans("ab ", "ab cab")), list(spans("ab ", "xab"))
    ([(0, 3)], [(1, 3)])
    """
    for needle in dict.fromkeys((value, value.strip())):
        at = text.find(needle) if needle else -1
        found = 0
        while at >= 0 and found < MAX_OCCURRENCES:
            yield at, at + len(needle)
            found += 1
            at = text.find(needle, at + 1)
        if found:
            return
