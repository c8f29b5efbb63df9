"""A statement in a few words: OpenTelemetry's db.query.summary, its operations and what they are done to.

Source: the semantic conventions for database client spans, "Generating a summary of the query".
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.detect.reached.occurrences import MAX_TEXT
from collector.detect.reached.sql_tokens import Token, tokens

MAX_SUMMARY = 255
_OPERATIONS = frozenset(
    ("select", "insert", "update", "delete", "replace", "merge", "create", "alter", "drop", "truncate", "call", "exec",
     "execute", "begin", "commit", "rollback", "savepoint", "set", "show", "pragma", "explain", "copy", "grant", "use")
)  # fmt: skip
_ALONE = frozenset(("update", "call", "exec", "execute", "use", "pragma", "truncate", "copy"))
"""Operations whose target follows at once."""

_BEFORE_TARGETS = frozenset(("from", "join", "into", "table", "view", "index", "database", "schema"))
_BEFORE_OPERATIONS = frozenset(("(", ")", "as", "union", "all", "explain", "analyze", "except", "intersect"))
_SKIPPED = frozenset(("if", "not", "exists", "only", "table", "low_priority", "ignore", "or"))


def summary(sql: str, dialect: str) -> str:
    """Operations and targets in their order and spelling, at most 255 characters, cut between words.

    >>> summary("INSERT INTO shipping SELECT * FROM songs, artists WHERE id = 5", "")
    'INSERT shipping SELECT songs artists'
    """
    sql = sql[:MAX_TEXT]
    found = ""
    for word in _words(sql, [token for token in tokens(sql, dialect) if token.kind != "comment"]):
        longer = f"{found} {word}" if found else word
        if len(longer) > MAX_SUMMARY:
            break
        found = longer
    return found


def _words(sql: str, found: list[Token]) -> Iterator[str]:
    at = 0
    changing = False  # after "on duplicate key", "for": what follows is no operation of its own
    while at < len(found):
        word = _word(sql, found[at])
        at += 1
        if word in ("on", "for"):
            changing = True
        elif word in _OPERATIONS and not (changing and word == "update") and _begins(sql, found, at - 1):
            changing = False
            yield sql[found[at - 1].start : found[at - 1].end]
            if word in _ALONE:
                target, at = _target(sql, found, at)
                yield from target
        elif word in _BEFORE_TARGETS:
            target, at = _target(sql, found, at)
            yield from target


def _begins(sql: str, found: list[Token], at: int) -> bool:
    """An operation stands first, or after what can precede one; elsewhere the word is a column or a function."""
    if at == 0:
        return True
    before = found[at - 1]
    if before.kind == "end" or sql[before.start : before.end].lower() in _BEFORE_OPERATIONS:
        return True
    return _word(sql, found[at]) == "select" and before.kind in ("word", "name")


def _target(sql: str, found: list[Token], at: int) -> tuple[list[str], int]:
    """The names of tables from here on, separated by commas, with an alias each."""
    names = list[str]()
    while at < len(found):
        while at < len(found) and _word(sql, found[at]) in _SKIPPED:
            at += 1
        name, at = _name(sql, found, at)
        if not name:
            break
        names.append(name)
        at = _past_alias(sql, found, at)
        if at >= len(found) or sql[found[at].start : found[at].end] != ",":
            break
        at += 1
    return names, at


def _name(sql: str, found: list[Token], at: int) -> tuple[str, int]:
    """A name with its qualifiers, as it is spelled."""
    start = at
    while at < len(found) and found[at].kind in ("word", "name"):
        at += 1
        if at < len(found) and sql[found[at].start : found[at].end] == ".":
            at += 1
        else:
            break
    if at == start or _word(sql, found[start]) == "select":
        return "", start
    return sql[found[start].start : found[at - 1].end], at


def _past_alias(sql: str, found: list[Token], at: int) -> int:
    if at < len(found) and _word(sql, found[at]) == "as":
        return at + 2
    if at + 1 < len(found) and found[at].kind in ("word", "name") and sql[found[at + 1].start] == ",":
        return at + 1
    return at


def _word(sql: str, token: Token) -> str:
    return sql[token.start : token.end].lower() if token.kind == "word" else ""
