"""When an input is code in a statement."""

from __future__ import annotations

from itertools import pairwise

import pytest

from collector.detect.reached.sql import Statement
from collector.detect.reached.sql_tokens import tokens

QUOTED = "select * from books where title = '{}' limit 5"
BARE = "select * from books where id = {} limit 5"
ORDER = "select * from books order by {}"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        (QUOTED, "' or 1=1--"), (QUOTED, "' union select 1,2,3-- -"), (QUOTED, "x' or 'a'='a"), (QUOTED, "admin'--"),
        (QUOTED, "'; drop table books;--"), (QUOTED, "x'/*"), (QUOTED, "' AND (SELECT 1)='1"),
        (BARE, "1 or 1=1"), (BARE, "1 union select name from sqlite_master"), (BARE, "1;delete from books"),
        (BARE, "1--"), (QUOTED, "'='"), (QUOTED, "x'||'y"), (QUOTED, "'+0+'"), (BARE, "id=id"), (BARE, "pg_sleep(5)"),
        (BARE, "version()"),
        (ORDER, "(case when (select 1)=1 then title else id end)"), (ORDER, "title; drop table books"),
    ],
)  # fmt: skip
def test_code(template: str, value: str) -> None:
    """An input that closes the quote, adds a condition, a statement or a comment is code."""
    assert Statement(template.format(value), "sqlite").reached(value) == value


def test_percent_signs_that_are_written_twice() -> None:
    """A statement for a driver that formats has them so; a percent sign hides nothing."""
    statement = Statement("select * from books where owner = %s and title like '%%x%%' or 1=1--%%'", "postgresql")
    assert statement.reached("x%' or 1=1--") == "x%%' or 1=1--"
    assert statement.reached("%x%") == ""


@pytest.mark.parametrize(
    ("template", "value"),
    [
        (QUOTED, "the old man and the sea"), (QUOTED, "1 or 1=1"), (QUOTED, "a -- b"), (QUOTED, "O''Brien or 1=1"),
        (QUOTED, "O'Brien"), (QUOTED, "rock 'n' roll"), (QUOTED, "it's a dog's life"), (BARE, "12345"), (BARE, "-12.5"),
        (ORDER, "title"), (ORDER, "title desc"), (ORDER, "author, title desc, id"), (ORDER, "lower(title)"),
        (BARE, "7-2"), (ORDER, "max(price) desc"), (QUOTED, "x"),
        (QUOTED, "absent' or 1=1--"),
    ],
)  # fmt: skip
def test_values(template: str, value: str) -> None:
    """An input inside one literal, a name, a list of columns, or a quote that breaks by accident is no code."""
    text = template.format("fixed" if value.startswith("absent") else value)
    assert Statement(text, "sqlite").reached(value) == ""


def test_coincidence() -> None:
    """An input that happens to be a word or two of the app's own statement is no code."""
    statement = Statement("select title, author from books where stock > 0 order by title", "sqlite")
    for value in ("select", "books", "order by", "title, author", "from books"):
        assert statement.reached(value) == ""


@pytest.mark.parametrize(
    ("dialect", "text", "value", "code"),
    [
        ("mysql", 'select * from a where b = "x" or 1=1 #"', 'x" or 1=1 #', True),
        ("mysql", r"select * from a where b = 'x\' or 1=1 -- '", "x\\' or 1=1 -- ", False),
        ("sqlite", r"select * from a where b = 'x\' or 1=1 -- '", "x\\' or 1=1 -- ", True),
        ("postgresql", "select $a$ ' or 1=1-- $a$", "' or 1=1--", False),
        ("postgresql", "select $a$ x$a$ or 1=1-- $a$", "x$a$ or 1=1--", True),
        ("mysql", "select * from a where id=1 /*!50000 or 1=1*/", "1 /*!50000 or 1=1*/", True),
    ],
)
def test_dialects(dialect: str, text: str, value: str, code: bool) -> None:
    """Quoting and comments are those of the database."""
    assert bool(Statement(text, dialect).reached(value)) is code


@pytest.mark.parametrize("dialect", ["sqlite", "mysql", "postgresql", "", "no such"])
@pytest.mark.parametrize(
    "text", ["", "'" * 60_001, "/*" * 30_000, "$a$" * 20_001, "\\'" * 30_000, "[" * 60_000, "\x00\ud7ff", "((" * 30_000]
)
def test_any_text_has_tokens(dialect: str, text: str) -> None:
    """Tokens never overlap, and no text raises."""
    found = tokens(text, dialect)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(one.start < one.end for one in found)
