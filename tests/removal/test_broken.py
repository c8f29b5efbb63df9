"""Versions of libraries that are not what we know: the app goes on, the ledger says what is not hooked, and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, running_node, wait_for
from tests.removal.processes import ENVIRONMENTS, run


@pytest.mark.parametrize("version", ENVIRONMENTS)
def test_broken_libraries(version: str, tmp_path: Path) -> None:
    """Every row meets what is missing, of another kind, closed, or has other arguments; all is left as it was."""
    found = run("broken", version, tmp_path, packages=False)
    assert found["problems"] == []
    assert found["rows"] > 50


APP = """
import sys, types
broken = types.ModuleType('flask_login.utils')
broken.login_user = type('login_user', (), {})
sys.modules['flask_login.utils'] = broken
import pyagent
pyagent.enable()
import wsgiref.handlers  # it is going to serve
hooks = {hook['target']: hook for hook in pyagent.status()['hooks']}
print(hooks['flask_login.utils.login_user']['state'], hooks['flask_login.utils.logout_user']['state'], flush=True)
sys.stdin.read()
"""


def test_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pyagent.status()`, `cowitness agents` and `cowitness doctor` name the hook that failed, and the reason."""
    monkeypatch.setenv("COLUMNS", "300")
    with running_node("--no-probes") as node:
        variables = {**node.environment(), "PYTHONPATH": str(ROOT)}
        app = subprocess.Popen([sys.executable, "-c", APP], env=variables, stdin=-1, stdout=-1, text=True)
        try:
            assert app.stdout is not None
            assert app.stdout.readline().split() == ["failed", "absent"]
            wait_for(lambda: "flask_login" in node.cli("agents").stdout, what="the agent's ledger")
            told = " ".join(node.cli("agents").stdout.split())
            assert "flask_login.utils.login_user: it is a class, not a function" in told
            doctor = " ".join(node.cli("doctor", check=False).stdout.split())
            assert "flask_login.utils.login_user failed: it is a class, not a function" in doctor
        finally:
            app.communicate("", timeout=20)
