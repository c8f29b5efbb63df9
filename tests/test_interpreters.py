"""The agent's own tests under every CPython that this machine has; a version that is not there is skipped by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("2.7", *(f"3.{minor}" for minor in range(5, 15)))
AT_LEAST = 90


def interpreter(version: str) -> str:
    """The path of an interpreter of this version, from PATH or from pyenv; empty where there is none."""
    places = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere"), "versions").glob(f"{version}.*/bin/python"))
    candidates = [shutil.which(f"python{version}"), *map(str, places)]
    return next((path for path in candidates if path and answers(path, version)), "")


def answers(path: str, version: str) -> bool:
    """Whether it really is this version; a pyenv shim may stand for nothing."""
    code = "import sys, platform; print('%d.%d %s' % (sys.version_info[:2] + (platform.python_implementation(),)))"
    done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=30)
    return done.stdout.split() == [version, "CPython"]


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
