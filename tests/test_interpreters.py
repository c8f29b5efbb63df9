"""The agent's own tests under every CPython that this machine has; a version that is not there is skipped by name."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.matrix.interpreters import VERSIONS, interpreter

ROOT = Path(__file__).resolve().parents[1]
AT_LEAST = 90


@pytest.mark.parametrize("version", VERSIONS)
def test_agent(version: str) -> None:
    """Every test of tests/pyagent passes there."""
    if not (path := interpreter(version)):
        pytest.skip(f"no CPython {version} on this machine")
    done = subprocess.run(
        [path, "-B", "-m", "unittest", "discover", "-s", "tests/pyagent", "-t", "."],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    ran = re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    assert ran
    assert int(ran[1]) >= AT_LEAST
