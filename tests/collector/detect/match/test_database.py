"""One database of all expressions: both engines, and the file that it is kept in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.detect import rulefile
from collector.detect.match import cache, hyper
from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern, PatternError, compiled, core
from collector.detect.ruleset import RuleSet
from collector.detect.transforms import apply

PATTERNS = [
    Pattern("ab+c"), Pattern(r"^start", caseless=True), Pattern(r"(?:x|y)\z"), Pattern(r"[a-z]++\d"), Pattern("")
]  # fmt: skip
needs_hyperscan = pytest.mark.skipif(not hyper.AVAILABLE, reason="there is no hyperscan for this platform")


@pytest.mark.parametrize("fallback", [True, pytest.param(False, marks=needs_hyperscan)])
def test_which_patterns_match(fallback: bool) -> None:
    """A scan gives the numbers of all patterns that match, a possessive one and one that matches nothing included."""
    database = Database(PATTERNS, fallback=fallback)
    assert set(database.scan("Start abbc 7 x")) == {0, 1, 2, 4}
    assert set(database.scan("abc1\n")) == {0, 3, 4}
    assert set(database.scan("")) == {4}
    assert database.engine == ("re2" if fallback else "both")


@needs_hyperscan
def test_both_engines_agree() -> None:
    """Hyperscan takes every built-in rule, and what it finds in all their examples, RE2 finds too."""
    rules = rulefile.built_in()
    one, other = RuleSet(rules, cache.directory("")), RuleSet(rules, fallback=True)
    assert (one.database.engine, other.database.engine) == ("hyperscan", "re2")
    for rule in rules:
        for text in (*rule.examples.match, *rule.examples.passes):
            value = apply(rule.conditions[0].transforms, text)
            assert set(one.database.scan(value)) == set(other.database.scan(value)), (rule.id, text)


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (r"^[^']*'x|^\s?[(\]]*\d{0,3}z", "'x|z"), (r"(?:^a|b)c|\|d", r"(?:^a|b)c|\|d"),
        (r"^\w+a|^[|]*(?:b|c)", r"^\w+a|(?:b|c)"), (r"^\s*$|^.*a", r"^\s*$|a"),
    ],
)  # fmt: skip
def test_core(whole: str, part: str) -> None:
    """An expression's core lacks only what may be missing between the beginning and the rest of an alternative."""
    assert core(whole) == part


def test_lookarounds_are_refused() -> None:
    """What no engine can match in linear time is refused with a reason, and does not stop the others."""
    database = Database([Pattern("(?<!a)b"), Pattern("c"), Pattern(r"(a)\1")])
    assert set(database.refused) == {0, 2}
    assert all(database.refused.values())
    assert database.scan("bc aa") == (1,)
    with pytest.raises(PatternError, match="does not compile"):
        compiled(Pattern("(?=x)"))


@needs_hyperscan
def test_the_file_is_made_once(tmp_path: Path) -> None:
    """A database is compiled once for a content; a broken file is made anew, and so is one of other content."""
    Database(PATTERNS, tmp_path)
    (file,) = tmp_path.glob("*.db")
    before = file.stat().st_ino
    assert set(Database(PATTERNS, tmp_path).scan("abc")) == {0, 4}
    assert file.stat().st_ino == before
    file.write_bytes(b"no database")
    assert set(Database(PATTERNS, tmp_path).scan("abc")) == {0, 4}
    Database(PATTERNS[:2], tmp_path)
    assert len(list(tmp_path.glob("*.db"))) == 2


def test_a_directory_of_others(tmp_path: Path) -> None:
    """A directory that others may write to is not used; without one everything works, only slower."""
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chmod(shared, 0o777)
    assert cache.directory(str(shared)) is None
    (tmp_path / "link").symlink_to(shared)
    assert cache.directory(str(tmp_path / "link")) is None
    assert cache.directory(str(tmp_path / "own")) == tmp_path / "own"
    assert cache.fetch(None, "x", lambda: b"made") == b"made"
