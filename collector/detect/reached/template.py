"""Source text of a template: an input is code where it has a tag of the engine or stands in one, and that does more
than show a variable. (CWE-1336)"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from operator import itemgetter

from collector.detect.reached.occurrences import MAX_TEXT, spans

MIN_INPUT = 3
_BRACES = (("{{", "}}"), ("{%", "%}"))
_PAIRS = {"mako": (("${", "}"), ("<%", "%>"), ("</%", ">"), ("\n%", "\n"))}
_PLAIN = re.compile(
    r"[-+\s]*[A-Za-z]\w*(?:\.[A-Za-z]\w*)*(?:\s*\|\s*\w+(?::(?:\w+|\"[\w\s,.:/-]*\"|'[\w\s,.:/-]*'))?)*[-+\s]*"
)
"""A variable, its attributes, and filters that are asked for by name alone."""

_TELLING = re.compile(
    r"\s*(?:config|settings|self|request|session|g|app|lipsum|cycler|joiner|namespace|context|debug)\b", re.I
)


class Template:
    """A text that an engine makes a program of."""

    def __init__(self, text: str, engine: str) -> None:
        self._text, self._engine = "\n" + text[: MAX_TEXT - 2] + "\n", engine

    @cached_property
    def _tags(self) -> list[tuple[str, int, int]]:
        """What stands in each tag, where it begins and ends."""
        found = [tag for pair in _PAIRS.get(self._engine, _BRACES) for tag in self._between(*pair)]
        return sorted(found, key=itemgetter(1))

    def _between(self, opener: str, closer: str) -> Iterator[tuple[str, int, int]]:
        begin = self._text.find(opener)
        while begin >= 0 and (end := self._text.find(closer, begin + len(opener))) >= 0:
            yield self._text[begin + len(opener) : end], begin, end + len(closer)
            begin = self._text.find(opener, end)

    def reached(self, value: str) -> str:
        """The input's part of the template where it is code, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        return next((self._text[a:b] for a, b in spans(value, self._text) if self._is_code(a, b)), "")

    def _is_code(self, start: int, end: int) -> bool:
        first = bisect_left(self._tags, start, key=itemgetter(1)) - len(_BRACES) - 2  # one of each pair may reach here
        for number in range(max(0, first), len(self._tags)):
            inside, begin, stop = self._tags[number]
            if begin >= end:
                return False
            if start <= begin and stop <= end and _does(inside):
                return True
            if begin < start < stop and _does(self._text[start : min(end, stop)]):
                return True
        return False


def _does(inside: str) -> bool:
    """Whether what stands in a tag does more than show a variable that is the template's own."""
    return _PLAIN.fullmatch(inside) is None or _TELLING.match(inside) is not None
