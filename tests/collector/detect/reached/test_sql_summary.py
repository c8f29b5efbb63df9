"""Statements in a few words."""

from __future__ import annotations

import pytest

from collector.detect.reached.sql_summary import MAX_SUMMARY, summary


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM songs, artists WHERE id = 5", "SELECT songs artists"),
        ("INSERT INTO shipping SELECT * FROM songs", "INSERT shipping SELECT songs"),
        ("select a from t1 join t2 on t1.a=t2.a where x in (select b from t3)", "select t1 t2 select t3"),
        ("UPDATE users SET a=1", "UPDATE users"),
        ("DELETE FROM \"users\" WHERE x='select from y'", 'DELETE "users"'),
        ("CREATE TABLE IF NOT EXISTS foo (a int, update int)", "CREATE foo"),
        ("SELECT replace(a, 'b', 'c') FROM x.y z", "SELECT x.y"),
        ("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE b=2", "INSERT a"),
        ("SELECT a FROM t FOR UPDATE", "SELECT t"),
        ("WITH c AS (SELECT 1 FROM d) SELECT * FROM c", "SELECT d SELECT c"),
        ("DROP TABLE a; DELETE FROM b", "DROP a DELETE b"),
        ("/* select x from y */ CALL proc(1)", "CALL proc"),
        ("", ""),
        ("'; -- from", ""),
    ],
)
def test_summary(sql: str, expected: str) -> None:
    """Operations and targets in their order and spelling; literals, comments, columns and aliases are none of them."""
    assert summary(sql, "postgresql") == expected


def test_size() -> None:
    """A summary is cut between words."""
    found = summary("SELECT * FROM " + ", ".join(f"table_{n}" for n in range(100)), "")
    assert len(found) <= MAX_SUMMARY
    assert found.split()[-1].startswith("table_")
    assert found.split()[-1] in [f"table_{n}" for n in range(100)]
