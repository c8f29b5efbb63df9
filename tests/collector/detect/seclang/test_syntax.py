"""Lines to directives."""

from __future__ import annotations

import pytest

from collector.detect.seclang import syntax
from collector.detect.seclang.syntax import Operator, RuleSyntaxError, Variable


def test_directives() -> None:
    """Comments are left out, lines that go on are one, places are told."""
    text = '# x\nSecRule ARGS "@rx a\\"b" \\\n    "id:1,\\\n    pass"\nSecMarker END\n'
    one, other = syntax.directives(text, "f")
    assert (one.name, one.words, one.place) == ("SecRule", ("ARGS", '@rx a"b', "id:1,pass"), "f:2")
    assert (other.name, other.words, other.place) == ("SecMarker", ("END",), "f:5")


def test_variables() -> None:
    """Counts, exclusions, keys, expressions with bars in them."""
    found = syntax.variables("&ARGS|!REQUEST_COOKIES:/a|b/|REQUEST_HEADERS:User-Agent|XML:/*|TX:'/x/'")
    assert found == (
        Variable("ARGS", count=True), Variable("REQUEST_COOKIES", "a|b", excluded=True, by_expression=True),
        Variable("REQUEST_HEADERS", "User-Agent"), Variable("XML", "/*"), Variable("TX", "x", by_expression=True),
    )  # fmt: skip
    with pytest.raises(RuleSyntaxError):
        syntax.variables("ARGS||")


def test_operators() -> None:
    """An expression needs no name; a mark negates."""
    assert syntax.operator("!@within a b") == Operator("within", "a b", True)
    assert syntax.operator("^x") == Operator("rx", "^x")
    assert syntax.operator("@detectSQLi") == Operator("detectSQLi", "")


def test_actions() -> None:
    """Commas within quotes separate nothing."""
    assert syntax.actions("id:1,msg:'a, b',t:none,setvar:'tx.a=%{tx.b}',chain") == [
        ("id", "1"), ("msg", "a, b"), ("t", "none"), ("setvar", "tx.a=%{tx.b}"), ("chain", ""),
    ]  # fmt: skip
