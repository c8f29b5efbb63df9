"""Cases are bounded in number and time; what is decided goes on from the store."""

from __future__ import annotations

import pytest

from collector.correlate.cases import Cases, Limits
from collector.model import Action, AttackTrace, Request, Verdict


def stored(name: str) -> AttackTrace:
    return AttackTrace(name, Verdict.REACHED, Action.MONITORED, Request(name))


@pytest.fixture
def closed() -> list[str]:
    return []


@pytest.fixture
def cases(closed: list[str]) -> Cases:
    """Two at a time, for 10 ns; of every request a trace is stored."""
    return Cases(Limits(window=10, max_requests=2, max_cases=2), stored, closed.append)


def test_the_longest_untouched_is_closed(cases: Cases, closed: list[str]) -> None:
    """Above the limit the case without news goes, is told of and counts as settled."""
    for now, name in enumerate(("1", "2", "1", "3")):
        if name not in cases:
            cases.begin(name)
        cases.touch(name, now)
    assert (list(cases), closed) == (["1", "3"], ["2"])
    assert cases.is_settled("2")


def test_expired(cases: Cases, closed: list[str]) -> None:
    """Cases that nobody has mentioned are closed, the others stay."""
    for now, name in enumerate(("1", "2")):
        cases.begin(name)
        cases.touch(name, now)
    cases.expire(1)
    assert (list(cases), closed) == (["2"], ["1"])


def test_what_is_recalled(cases: Cases) -> None:
    """A fresh request has no stored trace; one that is settled, or old, goes on from it."""
    cases.settle("2")
    assert cases.begin("1").trace is None
    assert cases.begin("2").trace is not None
    assert cases.begin("3", old=True).trace is not None


def test_settled_ones_are_bounded(cases: Cases) -> None:
    """Of what is decided the oldest are forgotten."""
    for name in "123":
        cases.settle(name)
    assert [cases.is_settled(name) for name in "123"] == [False, True, True]
