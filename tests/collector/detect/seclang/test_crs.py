"""The Core Rule Set as Debian ships it."""

from __future__ import annotations

from functools import cache as once
from pathlib import Path

import pytest

from collector.cli.plain_request import from_curl
from collector.detect.judge import Judge
from collector.detect.match import cache
from collector.detect.seclang import crs
from collector.detect.seclang.program import Outcome, Program
from collector.detect.settings import DetectSettings
from collector.model import Process

pytestmark = pytest.mark.skipif(not crs.installed(), reason="the package modsecurity-crs is not installed")


@once
def program() -> Program:
    return Program(crs.load(), cache.directory(""))


def run(command: str) -> Outcome:
    return program().run(from_curl(command))


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("a=1%27+union+select+1,2,3--+-", 942100), ("a=;cat+/etc/passwd", 932160),
        ("a=<script>alert(1)</script>", 941110),
        ("a=../../../etc/passwd", 930100), ("a=<?php+phpinfo();", 933100), ("a=$%7Bjndi:ldap://x%7D", 944150),
    ],
)  # fmt: skip
def test_attacks(query: str, rule: int) -> None:
    """An attack of each kind fires its rule and exceeds the threshold."""
    if rule not in {one.id for one in program().rules}:
        pytest.skip(f"this version of the rule set has no rule {rule}")
    ran = run(f"curl 'http://shop.example/?{query}'")
    assert rule in {one.rule.id for one in ran.fired}
    assert ran.score >= 5
    assert ran.denied


def test_a_harmless_request() -> None:
    """A search with a browser's headers has no score."""
    ran = run("curl 'http://shop.example/search?q=the+old+man+and+the+sea' -A 'Mozilla/5.0 Firefox/140.0'")
    assert (ran.score, ran.denied) == (0, False)


def test_its_report() -> None:
    """Nearly all of it is supported; what is not is named."""
    assert {one.id for one in program().problems if one.id < 950000} <= {910100, 910140, 920120}
    assert len(program().rules) > 120


def test_in_the_judge() -> None:
    """Switched on, its matches are findings beside our own."""
    judge = Judge(DetectSettings(crs=True))
    report = judge.report(from_curl("curl 'http://shop.example/?a=1%27+union+select+1,2,3--+-'"), Process(pid=1), True)
    assert report is not None
    assert any(one.rule_id.startswith("crs-942") for one in report.findings) or judge.core_rules
    found = judge.report(from_curl("curl 'http://shop.example/?a=%7b1%7d' -X DEBUG"), Process(pid=1), True)
    assert found is not None
    assert [one.rule_id for one in found.findings] == ["crs-911100"]


def test_no_rules_there(tmp_path: Path) -> None:
    """A directory without rules is an error that names it."""
    with pytest.raises(crs.CrsError, match="no rule files"):
        crs.load(str(tmp_path))
