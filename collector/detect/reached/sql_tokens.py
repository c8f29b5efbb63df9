"""Tokens of SQL with their places, by dialect; total: any text has tokens, also what no database would take.

A tokenizer of our own because inspectors are many: a parser's package costs each of them 14 MB, and refuses the broken
statements that matter here. Sources: the lexical chapters of SQLite's, PostgreSQL's and MySQL's manuals.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ANSI = r"'[^']*(?:''[^']*)*(?:'|$)"
_BACKSLASHED = r"'[^'\\]*(?:(?:''|\\.)[^'\\]*)*(?:\\?$|')"
_DOLLAR = r"(?P<dollar>\$[A-Za-z_]*\$)(?:.*?(?P=dollar)|.*$)"
_COMMENT = r"--[^\n]*|/\*.*?(?:\*/|$)"
_MYSQL_COMMENT = r"--(?:\s[^\n]*|$)|\#[^\n]*|/\*(?!!).*?(?:\*/|$)|/\*!\d*|\*/"
_REST = r"""
    |(?P<number>\b(?:0x[0-9a-f]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?)\b)
    |(?P<word>[^\W\d]\w*|@@?\w+)
    |(?P<mark>\?|%s|:\w+|\$\d+)
    |(?P<end>;)
    |(?P<operator><=>|<>|!=|>=|<=|\|\||&&|::|->>?|[-+*/%=<>~!@^&|])
    |(?P<other>[^\s])
"""


class Token(NamedTuple):
    """kind: text, name, comment, number, word, mark, end, operator, other."""

    kind: str
    start: int
    end: int


def _pattern(text: str, name: str, comment: str) -> re.Pattern[str]:
    return re.compile(f"(?P<comment>{comment})|(?P<text>{text})|(?P<name>{name}){_REST}", re.I | re.S | re.X)


_DOUBLE = _ANSI.replace("'", '"')
_DOUBLE_TEXT = _BACKSLASHED.replace("'", '"')
_GRAVE = _ANSI.replace("'", "`")
_BRACKETS = r"\[[^\]]*(?:\]|$)"
_SQLITE = _pattern(_ANSI, f"{_DOUBLE}|{_GRAVE}|{_BRACKETS}", _COMMENT)
_POSTGRES = _pattern(rf"\be{_BACKSLASHED}|{_ANSI}|{_DOLLAR}", _DOUBLE, _COMMENT)
_MYSQL = _pattern(f"{_BACKSLASHED}|{_DOUBLE_TEXT}", _GRAVE, _MYSQL_COMMENT)
_DIALECTS = {"mysql": _MYSQL, "mariadb": _MYSQL, "postgresql": _POSTGRES, "postgres": _POSTGRES}


def tokens(statement: str, dialect: str) -> list[Token]:
    """The tokens of a statement; an unknown dialect is read as SQLite's.

    >>> [token.kind for token in tokens("select 'a''b' -- x", "")]
    ['word', 'text', 'comment']
    """
    pattern = _DIALECTS.get(dialect.lower(), _SQLITE)
    return [Token(_kind(match), match.start(), match.end()) for match in pattern.finditer(statement)]


def _kind(match: re.Match[str]) -> str:
    kind = match.lastgroup or "other"
    return "text" if kind == "dollar" else kind
