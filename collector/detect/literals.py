"""Operations as they may be stored: statements without their literals, everything without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.detect import redact
from collector.detect.reached.occurrences import MAX_TEXT
from collector.detect.reached.sql_tokens import tokens

MAX_STATEMENT = 4096
"""Characters of an operation's text that are stored."""


def statement(sql: str, dialect: str, keep: Iterable[str], secrets: Sequence[str]) -> str:
    """A statement with `?` for its literals, but for those that hold a part of what is being reported."""
    sql = sql[:MAX_TEXT]
    words = [word for word in keep if word]
    parts, at = list[str](), 0
    for token in tokens(sql, dialect):
        if token.start > 2 * MAX_STATEMENT:
            break
        if token.kind in ("text", "number") and not _touches(sql, token.start, token.end, words):
            parts += (sql[at : token.start], "?")
            at = token.end
    parts.append(sql[at : 2 * MAX_STATEMENT])
    return redact.text(redact.without("".join(parts), secrets))[:MAX_STATEMENT]


def command(text: str, secrets: Sequence[str]) -> str:
    """A command line, path or URL."""
    return redact.text(redact.without(text[: 2 * MAX_STATEMENT], secrets))[:MAX_STATEMENT]


def _touches(sql: str, start: int, end: int, words: Iterable[str]) -> bool:
    """Whether a literal stands where a reported input stands."""
    for word in words:
        at = sql.find(word, max(0, start - len(word)))
        if 0 <= at < end and at + len(word) > start:
            return True
    return False
