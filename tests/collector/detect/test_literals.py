"""Statements and commands as they may be stored."""

from __future__ import annotations

import pytest

from collector.detect.literals import MAX_STATEMENT, command, statement


@pytest.mark.parametrize(
    ("sql", "dialect", "keep", "expected"),
    [
        ("select * from a where b='x' and c=5", "sqlite", [], "select * from a where b=? and c=?"),
        ("insert into a values ('it''s', 0xff)", "sqlite", [], "insert into a values (?, ?)"),
        ('select "name" from a', "sqlite", [], 'select "name" from a'),
        ('select "value" from a', "mysql", [], "select ? from a"),
        ("select $$secret$$", "postgresql", [], "select ?"),
        ("select * from a where b='x' or 1=1", "sqlite", ["x' or 1=1"], "select * from a where b='x' or 1=1"),
        ("where b='unterminated", "sqlite", [], "where b=?"),
    ],
)
def test_statement(sql: str, dialect: str, keep: list[str], expected: str) -> None:
    """Literals are masked as the dialect has them, but for those that hold a part of the attack."""
    assert statement(sql, dialect, keep, []) == expected


def test_secrets_and_size() -> None:
    """Known secrets go wherever they stand, and no text is longer than its limit."""
    assert command("login s3cr3t-x", ["s3cr3t-x"]) == "login <redacted>"
    assert statement("select s3cr3t_x", "", [], ["s3cr3t_x"]) == "select <redacted>"
    assert len(command("a" * 100_000, [])) == len(statement("a" * 100_000, "", [], [])) == MAX_STATEMENT
