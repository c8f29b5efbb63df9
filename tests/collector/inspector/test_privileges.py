"""An inspector is nobody, and ends with its core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(code: str) -> str:
    """Run code in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", "import os\nfrom collector.inspector import privileges\n" + code],
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give away")
def test_root_is_given_away_for_good() -> None:
    """Neither user, groups nor capabilities are left, and no way back."""
    out = run("""
privileges.drop()
print(os.getresuid(), os.getresgid(), os.getgroups())
status = open("/proc/self/status").read()
print([line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "NoNewPrivs"))])
try:
    os.setuid(0)
except PermissionError:
    print("stays")
""")
    ids, capabilities, last = out.splitlines()
    assert ids == "(65534, 65534, 65534) (65534, 65534, 65534) []"
    assert capabilities.count("0000000000000000") == 2
    assert "NoNewPrivs:\\t1" in capabilities
    assert last == "stays"


def test_an_orphan_ends() -> None:
    """A process whose parent is gone already does not stay."""
    assert run("privileges.die_with(os.getppid()); print('on')") == "on"
    assert run("print('before', flush=True); privileges.die_with(1 << 30); print('after')") == "before"
