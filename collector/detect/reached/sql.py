"""A statement: an input is code where it is more than one literal, name or list of names of it."""

from __future__ import annotations

from collector.detect.reached.occurrences import MAX_TEXT, spans
from collector.detect.reached.sql_tokens import Token, tokens

MIN_INPUT = 3
MIN_TOKENS = 3
_KEYWORDS = frozenset(
    ("select", "union", "or", "and", "xor", "from", "where", "having", "insert", "update", "delete", "drop", "alter",
     "create", "into", "case", "when", "exists", "not", "like", "between", "in", "is", "null", "limit",
     "group", "order", "exec", "execute", "declare", "waitfor", "sleep", "benchmark", "pragma", "attach",
     "returning", "truncate")
)  # fmt: skip


class Statement:
    """A statement that a database read."""

    def __init__(self, text: str, dialect: str) -> None:
        self._text, self._dialect = text[:MAX_TEXT], dialect
        self._tokens: list[Token] | None = None

    def reached(self, value: str) -> str:
        """The input's part of the statement where it is code, else an empty text."""
        if len(value.strip()) < MIN_INPUT:
            return ""
        for start, end in spans(value, self._text):
            if self._tokens is None:
                self._tokens = tokens(self._text, self._dialect)
            if self._is_code(start, end):
                return self._text[start:end]
        return ""

    def _is_code(self, start: int, end: int) -> bool:
        """Comments and ends of statements that begin in the input, or a keyword among three tokens and more."""
        touched = [token for token in self._tokens or () if token.start < end and token.end > start]
        if len(touched) < 2:
            return False
        if any(token.kind in ("comment", "end") and token.start >= start for token in touched):
            return True
        words = (self._text[token.start : token.end].lower() for token in touched if token.kind == "word")
        return len(touched) >= MIN_TOKENS and any(word in _KEYWORDS for word in words)
