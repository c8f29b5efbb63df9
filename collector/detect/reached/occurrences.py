"""Where an input stands in an operation's text. Apps strip and shorten what they take; both are looked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TypeVar

MAX_OCCURRENCES = 16
MAX_TEXT = 65536
"""Characters of an operation's text that are looked at (an agent sends no more)."""

Token = TypeVar("Token", bound="tuple[str, int, int]")


def touched(tokens: Sequence[Token], start: int, end: int) -> Sequence[Token]:
    """The tokens (kind, start, end; in their order, none over another) of which a part lies in [start, end).

    >>> touched([("a", 0, 2), ("b", 2, 3), ("c", 4, 9)], 1, 4)
    [('a', 0, 2), ('b', 2, 3)]
    """
    first = bisect_right(tokens, start, key=itemgetter(2))
    return tokens[first : bisect_left(tokens, end, first, key=itemgetter(1))]


def spans(value: str, text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the first MAX_OCCURRENCES places of an input in a text.

    >>> list(spans("ab ", "ab cab")), list(spans("ab ", "xab"))
    ([(0, 3)], [(1, 3)])
    """
    for needle in dict.fromkeys((value, value.strip())):
        found = [(at, at + len(needle)) for at in places(needle, text)] if needle else []
        yield from found
        if found:
            return


def places(needle: str, text: str) -> Iterator[int]:
    """Where the first MAX_OCCURRENCES of a text stand in another; they may overlap.

    >>> list(places("aa", "baaa"))
    [1, 2]
    """
    at = text.find(needle)
    for _ in range(MAX_OCCURRENCES):
        if at < 0:
            return
        yield at
        at = text.find(needle, at + 1)
