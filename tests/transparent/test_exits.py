"""The end of a process is the same with and without the agent: its exit code and every word that it prints."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, short_directory
from tests.matrix.environments import Environment
from tests.matrix.interpreters import interpreter
from tests.transparent.compare import listening

WAYS = (
    "end", "exits", "says", "raises", "killed", "interrupted", "handled", "at_once", "daemons", "threads",
    "serves_last", "halfway", "executes",
)  # fmt: skip
RACES = {"daemons": 3, "threads": 3}
"""How often these are tried: threads end in another order each time."""

NOISY = {("2.7", "daemons")}
"""Here the interpreter itself prints what threads meet while it is taken down, now and then."""

NOWHERE = Path("/nonexistent")
Ended = tuple[int, str, str]


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
@pytest.mark.parametrize("way", WAYS)
def test_nobody_can_tell(version: str, way: str) -> None:
    """With a node that is asked, and without one."""
    if (version, way) in NOISY:
        pytest.skip(f"CPython {version} itself makes a noise here")
    if not (python := interpreter(version)):
        pytest.skip(f"no CPython {version} on this machine")
    with short_directory() as directory, listening(directory):
        bare = ended(python, version, way)
        for run_dir, mode in ((directory, "block"), (NOWHERE, "monitor")):
            for _ in range(RACES.get(way, 1)):
                assert ended(python, version, way, run_dir, mode) == bare


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
def test_a_thread_of_ours_that_comes_late(version: str, tmp_path: Path) -> None:
    """A machine so loaded that the agent's thread first runs when the interpreter takes itself apart: it ends all the
    same. (CPython 2.7 and 3.6 waited for ever.)"""
    if not (python := interpreter(version)):
        pytest.skip(f"no CPython {version} on this machine")
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler on this machine")
    library = tmp_path / "late.so"
    source = ROOT / "tests/transparent/programs/late.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    assert ended(python, version, "late", NOWHERE, "monitor", LD_PRELOAD=str(library)) == (0, "", "")


def ended(python: str, version: str, way: str, run_dir: Path | None = None, mode: str = "", **more: str) -> Ended:
    """Exit code, output and errors."""
    command = [python, "-m", "tests.transparent.programs.exits", way]
    env = Environment(version, "", python, NOWHERE).variables(ROOT) | more
    if run_dir:
        command = [python, "-m", "pyagent.run", *command]
        env |= {"COWITNESS_RUN_DIR": str(run_dir), "COWITNESS_MODE": mode}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout, done.stderr
