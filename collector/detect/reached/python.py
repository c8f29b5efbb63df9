"""Source text of Python: an input is code where it does more than name something or count. (CWE-94, CWE-95)

The lexical rules are those of the language reference, chapter 2; total: broken source has tokens, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from collector.detect.reached.occurrences import MAX_TEXT, spans, touched

MIN_INPUT = 3
_TOKENS = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    |(?P<text>(?P<prefix>[rbuft]{0,2})(?:'''(?:[^\\]|\\.)*?(?:'''|$)|\"""(?:[^\\]|\\.)*?(?:\"""|$)
        |'(?:[^'\\\n]|\\.)*(?:'|$|(?=\n))|"(?:[^"\\\n]|\\.)*(?:"|$|(?=\n))))
    |(?P<number>\d[\w.]*|\.\d\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<end>;|\n)
    |(?P<mark>:=|[-+*/%@&|^<>=!~.,:()\[\]{}]|\S)
    """,
    re.X | re.I | re.S,
)
_ACTS = frozenset(
    ("import", "exec", "eval", "lambda", "del", "raise", "global", "yield", "await", "for", "while", "open")
)
_Token = tuple[str, int, int]


class Source:
    """A text that the interpreter compiles to run it."""

    def __init__(self, text: str) -> None:
        self._text = text[:MAX_TEXT]

    @cached_property
    def _tokens(self) -> list[_Token]:
        return [(_kind(match), match.start(), match.end()) for match in _TOKENS.finditer(self._text)]

    def reached(self, value: str) -> str:
        """The input's part of the source where it is code, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        return next((self._text[a:b] for a, b in spans(value, self._text) if self._is_code(a, b)), "")

    def _is_code(self, start: int, end: int) -> bool:
        """A call, an attribute of the language itself, a statement, or the end of the text it was put into."""
        found = touched(self._tokens, start, end)
        if len(found) < 2:
            return bool(found) and found[0][0] == "format" and "{" in self._text[start:end]
        return _leaves_text(found, start) or self._acts(found, start, end)

    def _acts(self, found: Sequence[_Token], start: int, end: int) -> bool:
        for (kind, begin, stop), after in zip(found, [*found[1:], ("", end, end)], strict=True):
            word = self._text[begin:stop]
            if kind == "word" and (word in _ACTS or (word.startswith("__") and word.endswith("__"))):
                return True
            if kind in ("word", "text") and after[1] < end and self._text[after[1]] in "([" and after[0] == "mark":
                return True
            if kind == "end" and start <= begin and stop < end:
                return True
        return False


def _leaves_text(found: Sequence[_Token], start: int) -> bool:
    """Whether the input begins within a string and goes on behind it, or begins a comment."""
    kind, begin, _ = found[0]
    return (kind in ("text", "format") and begin < start) or any(
        kind == "comment" and begin >= start for kind, begin, _ in found[1:]
    )


def _kind(match: re.Match[str]) -> str:
    if match["text"] is not None:
        return "format" if "f" in match["prefix"].lower() else "text"
    return match.lastgroup or "mark"
