"""A shell's command line: where its control characters act, given its quotes. (POSIX.1-2024, shell, 2.2 and 2.3)

One pass, linear in the line; substitution is followed into double quotes, here-documents are not read.
"""

from __future__ import annotations

from typing import NamedTuple

from collector.detect.reached.occurrences import MAX_TEXT, spans

MIN_INPUT = 2
_CONTROL = frozenset(";|&\n\r<>()")
_BLANK = frozenset(" \t")


class Reading(NamedTuple):
    """Places of control characters that act, and [start, end) of the words of the outermost commands."""

    control: list[int]
    words: list[tuple[int, int]]


class CommandLine:
    """A line that a shell read."""

    def __init__(self, line: str) -> None:
        self._line = line[:MAX_TEXT]
        self._reading: Reading | None = None

    def reached(self, value: str) -> str:
        """The input's part of the line where it is more than one word's data, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        for start, end in spans(value, self._line):
            if self._reading is None:
                self._reading = read(self._line)
            if self._is_code(start, end):
                return self._line[start:end]
        return ""

    def _is_code(self, start: int, end: int) -> bool:
        assert self._reading is not None
        if any(start <= at < end for at in self._reading.control):
            return True
        inside = [word for word in self._reading.words if start <= word[0] and word[1] <= end]
        return len(inside) > 1 and inside[0] == self._reading.words[0]


def read(line: str) -> Reading:
    """Read a line to its end, whatever it is."""
    control, words = list[int](), list[tuple[int, int]]()
    stack = [""]  # what is open: "" the line, ( a substitution or group, ` its old form, " and '
    begun, at, length = -1, 0, len(line)
    while at < length:
        char, top = line[at], stack[-1]
        step = 1
        if top == "'":
            if char == "'":
                stack.pop()
        elif char == "\\":
            step = 2
        elif char == "`":
            control.append(at)
            stack.pop() if top == "`" else stack.append("`")
        elif char == "$" and line[at + 1 : at + 2] == "(":
            control.append(at)
            stack.append("(")
            step = 2
        elif top == '"':
            if char == '"':
                stack.pop()
        elif char in "'\"":
            stack.append(char)
        elif char == "#" and begun < 0 and top == "":
            break
        elif char in _CONTROL:
            control.append(at)
            _group(char, stack)
        if top == "":
            ends = char in _BLANK or (char in _CONTROL and len(stack) <= 1)
            if ends and begun >= 0:
                words.append((begun, at))
                begun = -1
            elif not ends and begun < 0:
                begun = at
        at += step
    if begun >= 0 and begun < length:
        words.append((begun, min(at, length)))
    return Reading(control, words)


def _group(char: str, stack: list[str]) -> None:
    if char == "(":
        stack.append("(")
    elif char == ")" and stack[-1] == "(":
        stack.pop()
