"""A statement: an input is code where it is more than one literal, name or list of names of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.detect.reached.occurrences import MAX_TEXT, spans, touched
from collector.detect.reached.sql_tokens import Token, tokens

MIN_INPUT = 3
MIN_TOKENS = 3
MIN_END = 8
"""Characters of the end of an input that is looked at alone."""

_KEYWORDS = frozenset(
    ("select", "union", "or", "and", "xor", "from", "where", "having", "insert", "update", "delete", "drop", "alter",
     "create", "into", "case", "when", "exists", "not", "like", "between", "in", "is", "null", "limit",
     "group", "order", "exec", "execute", "declare", "waitfor", "sleep", "benchmark", "pragma", "attach",
     "returning", "truncate")
)  # fmt: skip
_HARMLESS = frozenset(("count", "sum", "avg", "min", "max", "lower", "upper", "abs", "round", "length"))
"""Calls that people ask reports for."""

_COMPARES = frozenset(("=", "<>", "!=", "<", ">", "<=", ">=", "<=>"))


def may_hold(text: str, value: str) -> bool:
    """Whether a statement may hold an input, or its last part: most hold none, and this is soon said."""
    return value.strip()[-MIN_INPUT:] in text or "%" in value


def end_within(text: str, value: str) -> str:
    """The longest end of an input that stands in a statement, where it begins at a mark such as a point: of `a.b x`
    libraries make `"a".b x`. Words that follow a blank may be anybody's, and are no such end.

    >>> end_within('ORDER BY ("a".b LIKE 1 OR f(1) --)', "a.b LIKE 1 OR f(1) --"), end_within("x LIKE y", "who LIKE y")
    ('.b LIKE 1 OR f(1) --', '')
    """
    value = value.strip()
    least, most = 0, len(value)
    while least < most:
        half = (least + most + 1) // 2
        least, most = (half, most) if value[-half:] in text else (least, half - 1)
    end = value[len(value) - least :]
    return end if MIN_END <= least < len(value) and not (end[0].isspace() or end[0].isalnum() or end[0] == "_") else ""


class Statement:
    """A statement that a database read."""

    def __init__(self, text: str, dialect: str) -> None:
        self._text, self._dialect = text[:MAX_TEXT], dialect
        self._tokens: list[Token] | None = None

    def reached(self, value: str) -> str:
        """The input's part of the statement where it is code, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        for start, end in self._places(value):
            if self._tokens is None:
                self._tokens = tokens(self._text, self._dialect)
            if self._is_code(start, end):
                return self._text[start:end]
        return ""

    def _places(self, value: str) -> Iterator[tuple[int, int]]:
        """Where the input stands. Drivers that format write a percent sign twice, and libraries do so for them."""
        yield from spans(value, self._text)
        if "%" in value and "%%" in self._text:
            yield from spans(value.replace("%", "%%"), self._text)

    def _is_code(self, start: int, end: int) -> bool:
        """Comments and ends of statements that begin in the input; among three tokens and more a keyword, a call, equal
        sides; what leaves the literal that it was put into and goes on there."""
        found = touched(self._tokens or (), start, end)
        if len(found) < 2:
            return False
        if any(token.kind in ("comment", "end") and token.start >= start for token in found):
            return True
        return len(found) >= MIN_TOKENS and (self._says(found) or self._goes_on(found, start))

    def _says(self, found: Sequence[Token]) -> bool:
        words = [self._text[token.start : token.end].lower() for token in found]
        kinds = [token.kind for token in found]
        if any(kind == "word" and word in _KEYWORDS for kind, word in zip(kinds, words, strict=True)):
            return True
        for at in range(len(found) - 1):
            if kinds[at] == "word" and words[at + 1] == "(" and words[at] not in _HARMLESS:
                return True
            if words[at + 1] in _COMPARES and words[at : at + 1] == words[at + 2 : at + 3]:
                return True
        return False

    def _goes_on(self, found: Sequence[Token], start: int) -> bool:
        """An apostrophe of a name ends a literal, too; but then no operator follows."""
        return found[0].kind == "text" and found[0].start < start and any(one.kind == "operator" for one in found)
