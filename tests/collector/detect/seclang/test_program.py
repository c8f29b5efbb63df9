"""Rules of the language as they run: chains, variables, skips, exclusions, scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.detect.seclang.loader import Loader
from collector.detect.seclang.program import Program
from collector.detect.seclang.transaction import MAX_ARGS
from collector.wire.agent import RequestRecord

FORM = ("content-type", "application/x-www-form-urlencoded")


def program(text: str, fallback: bool = True) -> Program:
    loader = Loader()
    loader.text(text, Path("/nonexistent"))
    return Program(loader.loaded, fallback=fallback)


def record(query: str = "", **fields: Any) -> RequestRecord:
    fields = {"method": "GET", "path": "/x", "query": query, "target": "/x?" + query, **fields}
    return RequestRecord(request_id="1f2e3d4c5b6a7988", phase="end", **fields)


def fired(text: str, request: RequestRecord, fallback: bool = True) -> list[int]:
    return [one.rule.id for one in program(text, fallback).run(request).fired]


ONE = 'SecRule ARGS:a|REQUEST_COOKIES "@rx (?i)attack" "id:1,phase:2,t:none,t:urlDecodeUni,msg:\'x\'"\n'


@pytest.mark.parametrize("fallback", [True, False])
def test_variables_and_transformations(fallback: bool) -> None:
    """A rule looks where it says, after its transformations, and nowhere else."""
    assert fired(ONE, record("a=x%2561ttack"), fallback) == [1]
    assert fired(ONE, record("b=attack"), fallback) == []
    assert fired(ONE, record(headers=[("cookie", "z=ATTACK")]), fallback) == [1]


def test_chains() -> None:
    """All links must hold; what the first matched is at hand for the second; captures too."""
    rules = """
    SecRule ARGS "@rx (on\\w+)=" "id:2,phase:2,capture,msg:'x',chain,setvar:'tx.found=%{tx.1}'"
      SecRule MATCHED_VARS "@contains load" "t:lowercase,setvar:'tx.score=+5'"
    """
    ran = program(rules).run(record("q=onLOAD%3d1"))
    assert [one.rule.id for one in ran.fired] == [2]
    assert (ran.variables["found"], ran.variables["score"]) == ("onLOAD", "5")
    assert program(rules).run(record("q=onclick%3d1")).fired == []


def test_scores_and_levels() -> None:
    """Scores add up for each match, the level leaves rules out, the threshold denies."""
    rules = """
    SecAction "id:1,phase:1,nolog,pass,setvar:tx.level=1,setvar:tx.threshold=10"
    SecRule ARGS "@pm bad worse" "id:2,phase:2,block,msg:'x',setvar:'tx.anomaly_score=+5'"
    SecRule TX:LEVEL "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
    SecRule ARGS "@pm bad" "id:4,phase:2,block,msg:'x',setvar:'tx.anomaly_score=+5'"
    SecMarker END
    SecRule TX:ANOMALY_SCORE "@ge %{tx.threshold}" "id:5,phase:2,deny,msg:'x'"
    """
    one, two = program(rules).run(record("a=bad")), program(rules).run(record("a=bad&b=WORSE"))
    assert (one.score, one.denied, [f.rule.id for f in one.fired]) == (5, False, [2])
    assert (two.score, two.denied, [f.rule.id for f in two.fired]) == (10, True, [2, 2, 5])


def test_exclusions() -> None:
    """`ctl` takes rules and targets away for a request, `skip` jumps, SecRuleRemoveById takes a rule away for all."""
    rule = 'SecRule ARGS "@contains x" "id:{0},phase:2,msg:\'x\',tag:\'t{0}\'"\n'
    ctl = 'SecRule REQUEST_FILENAME "@streq /x" "id:9,phase:1,pass,nolog,{0}"\n'
    three = "".join(rule.format(number) for number in (1, 2, 3))
    assert fired(ctl.format("ctl:ruleRemoveById=1-2") + three, record("a=x")) == [3]
    assert fired(ctl.format("ctl:ruleRemoveByTag=t2") + three, record("a=x")) == [1, 3]
    assert fired(ctl.format("ctl:ruleRemoveTargetById=1;ARGS:a") + three, record("a=x")) == [2, 3]
    assert fired(ctl.format("ctl:ruleRemoveTargetById=1;ARGS:a") + three, record("b=x")) == [1, 2, 3]
    assert fired(ctl.format("ctl:ruleEngine=Off") + three, record("a=x")) == []
    assert fired(ctl.replace("phase:1", "phase:2").format("skip:2") + three, record("a=x")) == [3]
    assert fired(three + "SecRuleRemoveById 1 3", record("a=x")) == [2]
    assert fired(three + 'SecRuleUpdateTargetById 2 "!ARGS:a"', record("a=x")) == [1, 3]


def test_counts_and_negation() -> None:
    """Counts are numbers, an absent header has the count 0, `!` turns an operator round."""
    rules = """
    SecRule &REQUEST_HEADERS:Host "@eq 0" "id:1,phase:1,msg:'x'"
    SecRule REQUEST_METHOD "!@within GET POST" "id:2,phase:1,msg:'x'"
    SecRule REQUEST_HEADERS:X "!@rx ^\\d+$" "id:3,phase:1,msg:'x'"
    SecRule ARGS "@validateByteRange 32-126" "id:4,phase:2,msg:'x'"
    """
    assert fired(rules, record()) == [1]
    assert fired(rules, record("a=%01", method="PUT", headers=[("host", "h"), ("x", "y")])) == [2, 3, 4]


def test_bodies() -> None:
    """Arguments of forms, JSON, multipart and XML."""
    rules = """
    SecRule ARGS|XML:/*|XML://@*|FILES "@contains evil" "id:1,phase:2,msg:'x'"
    SecRule REQUEST_BODY "@contains evil" "id:2,phase:2,msg:'x'"
    """
    multipart = '--b\r\nContent-Disposition: form-data; name="f"; filename="evil.php"\r\n\r\nx\r\n--b--'
    assert fired(rules, record(body="a=evil", headers=[FORM])) == [1, 2]
    nested = json.dumps({"a": [{"b": "evil"}]})
    assert fired(rules, record(body=nested, headers=[("content-type", "application/json")])) == [1]
    assert fired(rules, record(body=multipart, headers=[("content-type", "multipart/form-data; boundary=b")])) == [1]
    assert fired(rules, record(body='<a b="&#101;vil"/>', headers=[("content-type", "text/xml")])) == [1]
    assert fired(rules, record(body="evil", headers=[("content-type", "text/plain")])) == [2]


def test_sizes_of_files() -> None:
    """What is uploaded counts as one sum, names and fields not."""
    rule = 'SecRule FILES_COMBINED_SIZE "@gt 7" "id:1,phase:2,msg:\'x\'"'
    part = '--b\r\nContent-Disposition: form-data; name="f"{}\r\n\r\n{}\r\n'
    kind = [("content-type", "multipart/form-data; boundary=b")]
    for sizes, expected in (((4, 3), []), ((4, 4), [1])):
        files = "".join(part.format('; filename="long-name.txt"', "x" * size) for size in sizes)
        assert fired(rule, record(body=part.format("", "y" * 50) + files + "--b--", headers=kind)) == expected


def test_the_version_of_http() -> None:
    """Rules see what the client spoke."""
    rules = """
    SecRule REQUEST_PROTOCOL "@streq HTTP/2" "id:1,phase:1,msg:'x'"
    SecRule REQUEST_LINE "@endsWith HTTP/1.0" "id:2,phase:1,msg:'x'"
    """
    versions = ("1.1", "2", "1.0")
    assert [fired(rules, record(protocol_version=version)) for version in versions] == [[], [1], [2]]


def test_what_is_not_supported_is_told() -> None:
    """Every directive, variable, operator, action and expression that does not work is in the report, by rule."""
    rules = """
    SecFancy On
    SecRule GEO "@rx a" "id:1,phase:2"
    SecRule ARGS "@rbl x" "id:2,phase:2"
    SecRule ARGS "@rx a" "id:3,phase:2,t:rot13"
    SecRule ARGS "@rx (?<!a)b" "id:4,phase:2"
    SecRule ARGS "@rx ok" "id:5,phase:2,exec:/bin/x"
    SecRule ARGS "@pmFromFile missing.data" "id:6,phase:2"
    SecRule ARGS "@rx ok" "id:7,phase:2,msg:'x'"
    """
    made = program(rules)
    assert {one.id for one in made.problems} == {0, 1, 2, 3, 4, 5, 6}
    assert [rule.id for rule in made.rules] == [7]


def test_worst_cases() -> None:
    """Ten thousand parameters, deep JSON and a megabyte are cut, the cut is counted, and nothing raises."""
    rules = program(ONE)
    many = rules.run(record("&".join(f"p{n}=1" for n in range(10_000))))
    assert many.truncated == 1
    deep = "[" * 10_000 + "]" * 10_000
    assert rules.run(record(body=deep, headers=[("content-type", "application/json")])).fired == []
    large = json.dumps([str(n) for n in range(MAX_ARGS + 1)])
    assert rules.run(record(body=large, headers=[("content-type", "application/json")])).truncated == 1
    assert rules.run(record(body="a=" + "x" * 500_000 + "attack", headers=[FORM])).truncated == 1
