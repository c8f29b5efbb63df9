"""The agent's own tests under every CPython of this machine, 32-bit and emulated ones too; one that is not there is
skipped by name."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.matrix.interpreters import SYSTEMS, VERSIONS, interpreter, missing, release
from tests.matrix.report import note

ROOT = Path(__file__).resolve().parents[1]
AT_LEAST = 120
LEFT_OUT = {"3.11-aarch64": ("test_run",)}
"""What starts interpreters takes minutes on an emulated processor; its row of the matrix starts one, too."""


@pytest.mark.parametrize("version", [pytest.param(v, marks=pytest.mark.xdist_group(v)) for v in VERSIONS + SYSTEMS])
def test_agent(version: str) -> None:
    """Every test of tests/pyagent passes there."""
    name = f"CPython {version}"
    if not (path := interpreter(version)):
        note(name, "result", f"skipped: {missing(version)}")
        pytest.skip(missing(version))
    note(name, "result", "failed")
    modules = [file.stem for file in sorted((ROOT / "tests" / "pyagent").glob("test_*.py"))]
    chosen = [f"tests.pyagent.{module}" for module in modules if module not in LEFT_OUT.get(version, ())]
    done = subprocess.run(
        [path, "-B", "-m", "unittest", *chosen],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    ran = re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    assert ran
    assert int(ran[1]) >= AT_LEAST
    skipped = re.search(r"skipped=(\d+)", done.stderr)
    note(name, "release", release(path).partition(" ")[2])
    parts = [ran[1], *([f"{skipped[1]} of them skipped"] if skipped else [])]
    note(name, "tests", ", ".join([*parts, *(f"without {module}" for module in LEFT_OUT.get(version, ()))]))
    note(name, "result", "passed")
