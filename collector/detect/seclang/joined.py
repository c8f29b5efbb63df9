"""Expressions for many texts at once: what matches any of the texts alone matches when they stand in one line, with
SEPARATOR between them. The other way round it need not be so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from collector.detect.match.pattern import Pattern

SEPARATOR = "\xff"
"""A byte that no UTF-8 holds; where a text has it all the same, more is found, not less."""

_PIECES = re.compile(r"\\.|\[\^?\]?(?:\[:\w+:\]|[^\]\\]|\\.)*\]|[\^$]", re.DOTALL)
_EDGES = {
    "^": r"(?:^|\xff)", r"\A": r"(?:^|\xff)", "$": r"\n?(?:$|\xff)", r"\Z": r"\n?(?:$|\xff)", r"\z": r"(?:$|\xff)",
}  # fmt: skip


def relaxed(pattern: Pattern) -> Pattern:
    """The expression for texts that are joined: a text may begin and end at the separator; capital letters are not
    looked at."""
    expression = _PIECES.sub(lambda match: _EDGES.get(match.group(), match.group()), pattern.expression)
    return Pattern(expression, caseless=True)


def joined(texts: Iterable[str]) -> str:
    """The texts as one."""
    return SEPARATOR.join(texts)
