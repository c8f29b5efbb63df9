"""SQL: the input stands in the statement and is more than one literal, name or word of it.

Tokens by sqlglot's tokenizer of the statement's dialect; a statement that it cannot read is cut by a plain tokenizer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

MIN_LENGTH = 3
MAX_STATEMENT = 65536
MIN_TOKENS = 4
_PLAIN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|#[^\n]*|/\*.*?\*/|\w+|[^\w\s]", re.DOTALL)
_ORDER = re.compile(r"^[\w.,\s\"`\[\]]*(?:\b(?:asc|desc|nulls|first|last)\b[\s,]*)*$", re.IGNORECASE)
_COMMENT = re.compile(r"--|#|/\*")
_TAUTOLOGY = re.compile(
    r"\b(?:or|\|\|)\s*\(*\s*(?:'?([\w.]*)'?\s*(?:=|like)\s*'?\1'?|true\b|not\b|\d+\s*[<>])", re.IGNORECASE
)


class Token(Struct, frozen=True):
    """Where a token stands in the statement: [start, end)."""

    start: int
    end: int
    literal: bool


def reached(value: str, statement: str, dialect: str) -> str:
    """The input's part of the statement, where it is code there."""
    if len(value.strip()) < MIN_LENGTH or len(statement) > MAX_STATEMENT:
        return ""
    place = statement.find(value)
    while place >= 0:
        if _is_code(value, place, statement, dialect):
            return value
        place = statement.find(value, place + 1)
    return ""


def _is_code(value: str, place: int, statement: str, dialect: str) -> bool:
    end = place + len(value)
    tokens = tokens_of(statement, dialect)
    touched = [token for token in tokens if token.start < end and token.end > place]
    if len(touched) <= 1 and not _cuts_comment(value, place, tokens):
        return False
    if _ORDER.match(value):
        return False
    if _TAUTOLOGY.search(value) or _COMMENT.search(value):
        return True
    return len(touched) >= MIN_TOKENS and not all(token.literal for token in touched)


def _cuts_comment(value: str, place: int, tokens: tuple[Token, ...]) -> bool:
    """Whether a comment of the input's own begins outside of every literal."""
    match = _COMMENT.search(value)
    if not match:
        return False
    start = place + match.start()
    return not any(token.literal and token.start < start < token.end for token in tokens)


@lru_cache(maxsize=256)
def tokens_of(statement: str, dialect: str) -> tuple[Token, ...]:
    """Tokens of a statement, comments left out."""
    from sqlglot import tokenize
    from sqlglot.errors import SqlglotError
    from sqlglot.tokens import TokenType

    literals = {TokenType.STRING, TokenType.NUMBER}
    try:
        found = tokenize(statement, read=dialect or None)
        return tuple(Token(t.start, t.end + 1, t.token_type in literals) for t in found)
    except (SqlglotError, ValueError, RecursionError):
        return _plain(statement)


def _plain(statement: str) -> tuple[Token, ...]:
    found = []
    for match in _PLAIN.finditer(statement):
        text = match.group()
        if not text.startswith(("--", "#", "/*")):
            found.append(Token(match.start(), match.end(), text[0] in "'\"" or text.isdigit()))
    return tuple(found)
