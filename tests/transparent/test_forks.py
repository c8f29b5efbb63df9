"""A hundred children of a process whose threads serve: each has its own stream, none hangs, nothing is told twice."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pyagent.core import wire
from tests.e2e.harness import ROOT, short_directory, wait_for
from tests.matrix.environments import Environment
from tests.matrix.interpreters import interpreter
from tests.pyagent.support import Listener
from tests.transparent.compare import listening

COUNT = 100
ENDED = 7 << 8
"""The wait status of a child that ended as it was told."""


@pytest.mark.parametrize("version", ["2.7", "3.13"])
@pytest.mark.parametrize("mode", ["monitor", "block"])
def test_children_serve_and_end(version: str, mode: str) -> None:
    """Every child ends as it would, its requests are told once, and the parent holds what it held."""
    if not (python := interpreter(version)):
        pytest.skip(f"no CPython {version} on this machine")
    with short_directory() as directory, listening(directory) as listener:
        told = forked(python, version, directory, mode)
        assert [child for child in told["children"] if child[2] != ENDED] == []
        threads, sockets = zip(*(after for _, (_, after), _ in told["children"]), strict=True)
        assert set(threads) == {2}  # the child's own and the agent's
        assert max(sockets) <= (1 if mode == "monitor" else 3)
        assert (told["after"][0], told["after"][1] <= told["before"][1]) == (told["before"][0], True)
        wanted = {f"/child/{number}/{index}": 1 for number in range(COUNT) for index in range(3)}
        wait_for(lambda: children_of(listener) == wanted, 60, f"all of {len(wanted)}, not {len(children_of(listener))}")
        pids = {hello["pid"] for hello in listener.bodies(wire.HELLO) if hello["role"] == "stream"}
        assert {child[0] for child in told["children"]} <= pids


def forked(python: str, version: str, directory: Path, mode: str) -> dict[str, Any]:
    """What the program says."""
    env = Environment(version, "", python, Path("/nonexistent")).variables(ROOT)
    env |= {"COWITNESS_RUN_DIR": str(directory), "COWITNESS_MODE": mode, "COWITNESS_DEADLINE_MS": "1000"}
    program = [python, "-W", "ignore", "-m", "tests.transparent.programs.forks", str(COUNT)]
    command = [python, "-m", "pyagent.run", *program]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-4000:]
    return dict(json.loads(done.stdout))


def children_of(listener: Listener) -> Counter[str]:
    """How often each request of a child was told; those of the first child are left out, it warms up."""
    paths = (record["path"] for record in listener.records("request", phase="end"))
    return Counter(path for path in paths if path.startswith("/child/") and not path.startswith("/child/-1/"))
