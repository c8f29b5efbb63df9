"""Rule files to directives: variables, operator, actions. Knows nothing of what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

MAX_FILE = 4 << 20
_VARIABLE = re.compile(r"""([!&]?)([A-Za-z_]+)(?::('(?:[^'\\]|\\.)*'|/(?:[^/\\]|\\.)*/|[^|]*))?(?:\||$)""")
_OPERATOR = re.compile(r"\s*(!?)\s*@(\w+)\s?(.*)", re.DOTALL)


class RuleSyntaxError(ValueError):
    """A line that cannot be read."""


class Variable(Struct, frozen=True):
    """`!NAME:key`, `&NAME`, `NAME:/expression/`."""

    name: str
    key: str = ""
    count: bool = False
    excluded: bool = False
    by_expression: bool = False


class Operator(Struct, frozen=True):
    """`!@name argument`."""

    name: str
    argument: str
    negated: bool = False


class Directive(Struct, frozen=True):
    """One line: a name and its words, as they stand."""

    name: str
    words: tuple[str, ...]
    place: str


def directives(text: str, file: str) -> Iterator[Directive]:
    """The directives of a file, comments and continued lines taken care of."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if pending else number
        pending += line.lstrip() if pending else line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        name, *words = split(pending)
        yield Directive(name, tuple(words), f"{file}:{start}")
        pending = ""


def split(line: str) -> list[str]:
    """Words, quoted ones with their quotes taken off and `\\"` as `"`."""
    words, at = [], 0
    while at < len(line):
        if line[at].isspace():
            at += 1
        elif line[at] in "\"'":
            word, at = _quoted(line, at)
            words.append(word)
        else:
            end = next((i for i in range(at, len(line)) if line[i].isspace()), len(line))
            words.append(line[at:end])
            at = end
    return words


def variables(text: str) -> tuple[Variable, ...]:
    """What a rule looks at; raises RuleSyntaxError."""
    found, at = [], 0
    while at < len(text):
        match = _VARIABLE.match(text, at)
        if match is None:
            raise RuleSyntaxError(f"variables cannot be read: {text[at : at + 60]}")
        mark, name, key = match.groups()
        key = key or ""
        if key.startswith("'") and key.endswith("'"):
            key = key[1:-1]
        expression = len(key) > 1 and key.startswith("/") and key.endswith("/") and name.upper() != "XML"
        key = key[1:-1].replace("\\/", "/") if expression else key
        found.append(Variable(name.upper(), key, mark == "&", mark == "!", expression))
        at = match.end()
    return tuple(found)


def operator(text: str) -> Operator:
    """An operator; without `@` it is an expression."""
    match = _OPERATOR.fullmatch(text)
    if match:
        return Operator(match.group(2), match.group(3), bool(match.group(1)))
    return Operator("rx", text[1:], True) if text.startswith("!") else Operator("rx", text)


def actions(text: str) -> list[tuple[str, str]]:
    """`name:value` pairs in their order; quotes around values taken off."""
    found = []
    for part in _commas(text):
        name, _, value = part.strip().partition(":")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        if name:
            found.append((name.strip().lower() if name.lower() != "t" else "t", value))
    return found


def _commas(text: str) -> Iterator[str]:
    part, quoted, escaped = "", False, False
    for char in text:
        if char == "'" and not escaped:
            quoted = not quoted
        if char == "," and not quoted:
            yield part
            part = ""
        else:
            part += char
        escaped = char == "\\" and not escaped
    yield part


def _quoted(line: str, at: int) -> tuple[str, int]:
    quote, word, end = line[at], [], at + 1
    while end < len(line) and line[end] != quote:
        if line[end] == "\\" and line[end + 1 : end + 2] == quote:
            end += 1
        elif line[end] == "\\" and end + 1 < len(line):
            word.append(line[end])
            end += 1
        word.append(line[end])
        end += 1
    return "".join(word), end + 1
