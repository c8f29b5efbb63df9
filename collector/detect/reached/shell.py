"""A shell's command line: where its control characters act, given its quotes. (POSIX.1-2024, shell, 2.2 and 2.3)

One pass, linear in the line; substitution is followed into double quotes, here-documents are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from collector.detect.reached.occurrences import MAX_TEXT, spans

MIN_INPUT = 2
_CONTROL = frozenset(";|&\n\r<>()")
_BLANK = frozenset(" \t")
_QUOTES = re.compile(r"[\\'\"]")


class Reading(NamedTuple):
    """Places of control characters that act, and [start, end) of the words of the outermost commands."""

    control: list[int]
    words: list[tuple[int, int]]


def read(line: str) -> Reading:
    """Read a line to its end, whatever it is."""
    return _Reader(line).read()


class CommandLine:
    """A line that a shell read."""

    def __init__(self, line: str) -> None:
        self._line = line[:MAX_TEXT]

    @cached_property
    def _reading(self) -> Reading:
        return read(self._line)

    def reached(self, value: str) -> str:
        """The input's part of the line where it is more than one word's data, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        return next((self._line[a:b] for a, b in spans(value, self._line) if self._is_code(a, b)), "")

    def words_in(self, value: str) -> Iterator[tuple[list[str], int, int]]:
        """Where the input stands as words of its own: all words of the line without quotes, and which are its."""
        words = self._reading.words
        for start, end in spans(value, self._line):
            mine = [at for at, word in enumerate(words) if start <= word[0] and word[1] <= end]
            if mine:
                texts = [_QUOTES.sub("", self._line[a:b]) for a, b in words[: mine[-1] + 1]]
                yield texts, mine[0], mine[-1] + 1

    def _is_code(self, start: int, end: int) -> bool:
        if any(start <= at < end for at in self._reading.control):
            return True
        inside = [word for word in self._reading.words if start <= word[0] and word[1] <= end]
        return len(inside) > 1 and inside[0] == self._reading.words[0]


class _Reader:
    """One pass over a line."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._control: list[int] = []
        self._words: list[tuple[int, int]] = []
        self._open = [""]  # what is open: "" the line, ( a substitution or group, ` its old form, " and '
        self._begun = -1
        self._ended = False

    def read(self) -> Reading:
        at = 0
        while at < len(self._line) and not self._ended:
            outermost = self._open[-1] == ""
            step = self._take(at, self._line[at])
            if outermost and not self._ended:
                self._word(at, self._line[at])
            at += step
        if self._begun >= 0:
            self._words.append((self._begun, min(at, len(self._line))))
        return Reading(self._control, self._words)

    def _take(self, at: int, char: str) -> int:
        """Read one character in its place; how many were used up."""
        top = self._open[-1]
        if top == "'":
            self._close(char, "'")
            return 1
        if char == "\\":
            return 2
        if char in "`$":
            return self._substitution(at, char)
        if top == '"':
            self._close(char, '"')
        elif char in "'\"":
            self._open.append(char)
        elif char == "#" and self._begun < 0 and top == "":
            self._ended = True
        elif char in _CONTROL:
            self._act(at, char)
        return 1

    def _substitution(self, at: int, char: str) -> int:
        if char == "`":
            self._control.append(at)
            if not self._close(char, "`"):
                self._open.append("`")
            return 1
        if self._line[at + 1 : at + 2] == "(":
            self._control.append(at)
            self._open.append("(")
            return 2
        return 1

    def _act(self, at: int, char: str) -> None:
        if char == "(":
            if self._begins_a_command(at):
                self._control.append(at)
                self._open.append("(")
        elif char != ")" or self._close("(", "("):
            self._control.append(at)

    def _begins_a_command(self, at: int) -> bool:
        """Elsewhere a parenthesis is an error, and nothing of the line runs; but for `<(` and `>(`."""
        before = at - 1
        while before >= 0 and self._line[before] in _BLANK:
            before -= 1
        return before < 0 or self._line[before] in ";|&\n\r(<>"

    def _close(self, char: str, opener: str) -> bool:
        """Close what is open where the character does so."""
        closes = char == opener and self._open[-1] == opener
        if closes:
            self._open.pop()
        return closes

    def _word(self, at: int, char: str) -> None:
        """Keep count of the outermost words."""
        ends = char in _BLANK or (char in _CONTROL and len(self._open) == 1)
        if ends and self._begun >= 0:
            self._words.append((self._begun, at))
            self._begun = -1
        elif not ends and self._begun < 0:
            self._begun = at
