"""The bench of the matrix works: one case, one short round; what the figures are is not asked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT
from tests.matrix.interpreters import interpreter


def test_quick_round(tmp_path: Path) -> None:
    """A site bare, under the agent and under both peers answers its turns, and the table has a figure for each page."""
    if not interpreter("3.13"):
        pytest.skip("no CPython 3.13 on this machine")
    page = tmp_path / "cost.md"
    command = [sys.executable, "bench/matrix_cost.py", "--quick", "--only", "Flask 3 / 3.13", "--markdown", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    lines = [line for line in page.read_text().splitlines() if line.startswith("| Flask 3 | 3.13 |")]
    assert len(lines) == 1, done.stdout
    cells = [cell.strip() for cell in lines[0].strip("|").split("|")][2:]
    assert len(cells) == 6
    for cell in cells:
        assert re.fullmatch(r"-?\d+(±\d+)?( / -?\d+(±\d+)?){2}", cell), (cell, done.stdout)
