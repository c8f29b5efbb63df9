"""Rules that add up scores: what they say is the same whether they were run once before or at the request."""

from __future__ import annotations

from collector.detect.seclang.program import Program
from tests.collector.detect.seclang.test_program import program, record

RULES = """
SecAction "id:1,phase:1,nolog,pass,setvar:tx.level=1,setvar:tx.mine=%{REQUEST_METHOD}"
SecRule ARGS:a "@contains evil" "id:2,phase:2,msg:'x',setvar:tx.pl1=+5"
SecRule ARGS:b "@contains plain" "id:3,phase:2,pass,msg:'x'"
SecRule ARGS:c "@contains off" "id:4,phase:2,pass,nolog,ctl:ruleRemoveById=10"
SecRule ARGS:d "@contains skip" "id:5,phase:2,pass,nolog,skipAfter:END"
SecRule TX:LEVEL "@ge 1" "id:10,phase:2,pass,nolog,setvar:tx.anomaly_score=+%{tx.pl1}"
SecRule TX:ANOMALY_SCORE "@ge 5" "id:11,phase:2,deny,msg:'y'"
SecMarker END
"""
QUERIES = ["", "a=good", "a=evil", "b=plain", "a=evil&c=off", "c=off", "a=evil&d=skip", "d=skip", "a=evil&b=plain"]


def outcomes(made: Program) -> list[tuple[list[int], int]]:
    ran = [made.run(record(query)) for query in QUERIES]
    return [([one.rule.id for one in outcome.fired], outcome.score) for outcome in ran]


def test_outcomes_are_the_same() -> None:
    """With nothing settled before, each request comes out the same, its score included."""
    made, other = program(RULES), program(RULES)
    assert made._settled.numbers
    other._settled.numbers = frozenset()
    other._settled.holds = lambda state: False  # type: ignore[method-assign]
    assert outcomes(made) == outcomes(other)
    assert outcomes(made)[2] == ([2, 11], 5)
    assert outcomes(made)[4] == ([2], 0)


def test_only_values_that_may_match_are_looked_at() -> None:
    """A rule that is found for one value says nothing of the others, and all that match are there for its chain."""
    rules = """
    SecRule ARGS|!ARGS:z "@rx evil" "id:1,phase:2,msg:'x',chain,setvar:tx.n=+1"
      SecRule MATCHED_VARS "@rx evil" "t:none"
    """
    ran = program(rules).run(record("a=evil&b=good&c=evil2&z=evil"))
    assert [(one.target.key, one.target.value) for one in ran.fired] == [("a", "evil"), ("c", "evil2")]
