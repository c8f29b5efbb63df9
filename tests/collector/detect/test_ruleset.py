"""Matching: several conditions, many inputs, one finding each."""

from __future__ import annotations

from collector.detect.inputs import Input
from collector.detect.rulefile import load, parse
from collector.detect.ruleset import MAX_MATCHES, RuleSet

TWO = """
[[rules]]
id = "two-001"
name = "Both"
category = "magic"
tags = []
conditions = [{ inputs = ["query"], regex = '^open$' }, { inputs = ["header:x-word"], regex = 'sesame' }]
examples.match = ["open"]
examples.pass = ["opens"]
"""


def test_all_conditions_must_hold() -> None:
    """A rule of two conditions matches only where both hold in one request."""
    rules = RuleSet(parse(TWO, "two"))
    word, wrong = Input("header", "x-word", "Sesame"), Input("header", "x-other", "sesame")
    assert rules.match([Input("query", "a", "open"), wrong]) == []
    assert [match.input.parameter for match in rules.match([Input("query", "a", "open"), word])] == ["a"]


def test_anchors_are_those_of_one_input() -> None:
    """Inputs are looked at together first; that makes no match of what is split over two, nor of a line within one."""
    rules = RuleSet(parse(TWO, "two"))
    word = Input("header", "x-word", "sesame")
    assert rules.match([Input("query", "a", "first\nopen"), Input("query", "b", "opened"), word]) == []
    assert len(rules.match([Input("query", "a", "x"), Input("query", "b", "open"), word])) == 1


def test_comments_do_not_reach_over_two_inputs() -> None:
    """A comment that is open in one input hides nothing in the next."""
    items = [Input("query", "a", "/*"), Input("query", "b", "' union select 1,2--"), Input("query", "c", "*/")]
    assert {match.input.parameter for match in load("", ()).match(items)} == {"b"}


def test_one_match_for_a_rule_and_a_parameter() -> None:
    """The same parameter in several decodings is one match."""
    items = [Input("query", "q", "' union select 1,2--"), Input("query", "q", "' union select 1,2-- ")]
    assert [match.rule.id for match in load("", ()).match(items)].count("sqli-001") == 1


def test_matches_are_bounded() -> None:
    """A request of attacks only gives no more matches than the limit."""
    items = [Input("query", f"q{n}", f"' union select {n},2--") for n in range(1000)]
    assert len(load("", ()).match(items)) == MAX_MATCHES


def test_long_values_are_searched_to_their_end() -> None:
    """An attack behind a hundred thousand letters is found, also by a rule whose automaton is large."""
    rules = load("", ())
    found = rules.match([Input("body", "a", "A" * 100_000 + "<script>alert(1)</script>")])
    assert "xss-001" in {match.rule.id for match in found}


def test_text_made_to_be_slow() -> None:
    """Texts full of beginnings of matches are judged, and are no attack."""
    rules = load("", ())
    for text in ("<a " * 40_000, "'" * 100_000, "../ " * 25_000, "$(" * 50_000, ";" * 100_000, "union " * 20_000):
        assert rules.match([Input("body", "", text[:100_000])]) is not None
