"""Rule files: what is refused, and how it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.detect.inputs import Input
from collector.detect.rulefile import RuleError, load, parse

GOOD = """
[[rules]]
id = "mine-001"
name = "The word abracadabra"
category = "magic"
tags = ["CWE-20"]
conditions = [{ inputs = ["query:spell", "header"], regex = 'abracadabra', min_length = 12, transforms=["lowercase"]}]
examples.match = ["Abracadabra!"]
examples.pass = ["abracadabra", "hocus pocus is not"]
"""


def test_a_good_rule(tmp_path: Path) -> None:
    """A rule of a directory works beside the built-in ones, in its places only and from its length on."""
    (tmp_path / "mine.toml").write_text(GOOD)
    rules = load(str(tmp_path), ())
    assert [match.rule.id for match in rules.match([Input("query", "spell", "ABRACADABRA!!")])] == ["mine-001"]
    assert rules.match([Input("query", "other", "abracadabra!!")]) == []
    assert rules.match([Input("body", "spell", "abracadabra!!")]) == []
    assert rules.match([Input("query", "spell", "abracadabra")]) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[rules]]", "[[rules", r"f\.toml: "),
        ('"mine-001"', '"Mine"', r"f\.toml: .*\$\.rules\[0\]\.id"),
        ("name =", "nome =", "nome"),
        ('"query:spell"', '"url"', r"inputs"),
        ("min_length = 12", "min_length = -1", "min_length"),
        ('"lowercase"', '"rot13"', "rot13"),
        ("'abracadabra'", "'(abra'", r"f\.toml: mine-001: the expression does not compile: missing \)"),
        ("'abracadabra'", "'(?=abra)'", "mine-001: the expression does not compile"),
        ("'abracadabra'", r"'\Aabracadabra'", r"mine-001: .*use \^ and \$"),
        ('["Abracadabra!"]', '["hocus pocus"]', "mine-001: does not match its example 'hocus pocus'"),
        ('["abracadabra", ', '["abracadabra!", ', "mine-001: matches 'abracadabra!', which must pass"),
        ('["Abracadabra!"]', "[]", "match"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str) -> None:
    """The error names the file and, where there is one, the rule."""
    assert old in GOOD
    with pytest.raises(RuleError, match=message):
        parse(GOOD.replace(old, new), "f.toml")


def test_two_rules_of_one_id(tmp_path: Path) -> None:
    """An id must be unique over all files."""
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(RuleError, match="two rules have the id mine-001"):
        load(str(tmp_path), ())


def test_disabled_rules() -> None:
    """A disabled rule is gone, the others stay."""
    item = Input("query", "q", "' union select 1,2--")
    before = {match.rule.id for match in load("", ()).match([item])}
    assert {match.rule.id for match in load("", ["sqli-001"]).match([item])} == before - {"sqli-001"}


def test_files_that_are_no_rules(tmp_path: Path) -> None:
    """A file that is too large or no text is refused by name."""
    (tmp_path / "big.toml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(RuleError, match=r"big\.toml is larger"):
        load(str(tmp_path), ())
    (tmp_path / "big.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleError, match=r"big\.toml is not UTF-8"):
        load(str(tmp_path), ())
