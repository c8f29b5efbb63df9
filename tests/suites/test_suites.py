"""The frameworks' own tests end alike, test by test, with the agent on and without it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import Node, wait_for
from tests.matrix.environments import AbsentError
from tests.suites.report import PROPERTY, row
from tests.suites.running import BARE, Run, differences
from tests.suites.suites import SUITES, Suite


@pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])
def test_same_outcomes(
    suite: Suite, suites_node: Node, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The bare run and the watched ones have the same outcomes, the agent was at work, its guard was not."""
    try:
        runs = run_all(suite, suites_node, tmp_path)
    except AbsentError as error:
        pytest.skip(str(error))
    bare, *watched = runs
    found = {run.mode: differences(bare, run) for run in watched}
    for run in runs:
        record_property(PROPERTY, row(run, len(found[run.mode]) if run in watched else None))
    assert bare.counts()["passed"] >= suite.floor, bare.log.read_text()[-3000:]
    for run in watched:
        expected = suite.refused if run.mode == "block" else {}
        assert found[run.mode].keys() == expected.keys(), found[run.mode]
        was_on(run, suites_node)
        traces = suites_node.traces("--service", run.service)
        assert sum(trace["action"] == "ACTION_BLOCKED" for trace in traces) == len(expected), traces


def run_all(suite: Suite, node: Node, directory: Path) -> list[Run]:
    """All runs of a suite, side by side."""
    with contextlib.ExitStack() as stack:
        runs = []
        for mode in (BARE, *suite.modes):
            runs.append(Run(suite, mode, node, directory))
            stack.callback(runs[-1].stop)
        for run in runs:
            run.finish()
    return runs


def was_on(run: Run, node: Node) -> None:
    """The agent was connected, in its mode, saw a request for each test and swallowed nothing; the node knows it."""
    assert run.swallowed == ""
    status = run.status
    assert (status["mode"], status["connected"], status["problems"]) == (run.mode, True, [])
    assert status["counters"]["requests"] >= run.counts()["passed"]
    wait_for(lambda: run.service in [agent["process"]["serviceName"] for agent in node.json("agents")])
