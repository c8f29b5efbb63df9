"""An expression as the engines take it, and RE2's way of compiling one."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import re2
from msgspec import Struct, structs

_LEAD = re.compile(r"\^(?:(?:\\[SsWwDd]|\[(?:[^\]\\]|\\.)*\]|\.)(?:[*?]|\{0,\d*\}))+(?=[^$])", re.DOTALL)
_ALTERNATIVES = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*\]|[()|]", re.DOTALL)
_POSSESSIVE = re.compile(r"(\[(?:[^\]\\]|\\.)*\]|\\.)|([*+?}])\+")
MAX_MEMORY = 64 << 20
"""Bytes that RE2 may take for one expression; what needs more is refused."""


class PatternError(ValueError):
    """An expression that cannot be used."""


class Pattern(Struct, frozen=True):
    """One expression (the common ground of RE2 and Hyperscan). `.` matches a line feed."""

    expression: str
    caseless: bool = False
    multiline: bool = False


def core(expression: str) -> str:
    """What a text must hold to match: each alternative without what may, but need not, stand between its beginning
    and the rest (`^[^']*'x|^y*z` becomes `'x|z`). Automata find it faster; whether a text matches is then to be asked
    of the whole expression."""
    return "|".join(_LEAD.sub("", branch, 1) if branch.startswith("^") else branch for branch in _branches(expression))


def _branches(expression: str) -> list[str]:
    """The alternatives at the top of an expression."""
    found, start, depth = [], 0, 0
    for match in _ALTERNATIVES.finditer(expression):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if match.group() == "|" and depth == 0:
            found.append(expression[start : match.start()])
            start = match.end()
    return [*found, expression[start:]]


def options(pattern: Pattern, memory: int = MAX_MEMORY) -> Any:
    """RE2's options for a pattern. RE2 takes bytes as Latin-1, which keeps what is no UTF-8 searchable."""
    made = re2.Options()
    made.case_sensitive = not pattern.caseless
    made.dot_nl = True
    made.log_errors = False
    made.max_mem = memory
    made.encoding = re2.Options.Encoding.LATIN1
    return made


def text(pattern: Pattern) -> str:
    """The expression as RE2 takes it."""
    return f"(?m:{pattern.expression})" if pattern.multiline else pattern.expression


def plainer(pattern: Pattern) -> Pattern:
    """Without possessive quantifiers, which only keep a backtracking engine from trying again."""
    return structs.replace(pattern, expression=_POSSESSIVE.sub(r"\1\2", pattern.expression))


def compiled(pattern: Pattern, memory: int = MAX_MEMORY) -> Any:
    """RE2's object for one expression; raises PatternError."""
    with contextlib.suppress(re2.error):
        return re2.compile(text(plainer(pattern)).encode(), options(pattern, memory))
    try:
        return re2.compile(text(pattern).encode(), options(pattern, memory))
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise PatternError(f"the expression does not compile: {reason}") from None
