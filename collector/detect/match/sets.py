"""The engine that is always there: RE2's sets. Also for the expressions that Hyperscan refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2

from collector.detect.match.pattern import Pattern, options, plainer, text

SET_MEMORY = 64 << 20
"""Bytes that the automaton of one set may grow to; when it is full it starts anew."""

CHUNK = 48
"""Expressions of one set: larger sets grow automata that do not fit."""


class Sets:
    """Expressions by number; those that RE2 refuses are in `refused`, with the reason."""

    def __init__(self, patterns: Sequence[tuple[int, Pattern]]) -> None:
        self.refused: dict[int, str] = {}
        self._sets: list[tuple[Any, list[int]]] = []
        kinds = dict.fromkeys((pattern.caseless, pattern.multiline) for _, pattern in patterns)
        for kind in kinds:
            same = [one for one in patterns if (one[1].caseless, one[1].multiline) == kind]
            for start in range(0, len(same), CHUNK):
                self._build(same[start : start + CHUNK])

    def scan(self, data: bytes) -> list[int]:
        """The numbers of the expressions that match."""
        found: list[int] = []
        for one, numbers in self._sets:
            found += [numbers[index] for index in one.Match(data) or ()]
        return found

    def _build(self, patterns: Sequence[tuple[int, Pattern]]) -> None:
        made = re2.Set.SearchSet(options(patterns[0][1], SET_MEMORY))
        numbers = []
        for number, pattern in patterns:
            try:
                made.Add(text(plainer(pattern)).encode())
                numbers.append(number)
            except re2.error as error:
                self.refused[number] = str(error)[:200]
        try:
            if numbers:
                made.Compile()
                self._sets.append((made, numbers))
        except re2.error:
            self._halve([one for one in patterns if one[0] in set(numbers)])

    def _halve(self, patterns: Sequence[tuple[int, Pattern]]) -> None:
        if len(patterns) == 1:
            self.refused[patterns[0][0]] = "the expression is too large"
            return
        middle = len(patterns) // 2
        self._build(patterns[:middle])
        self._build(patterns[middle:])
