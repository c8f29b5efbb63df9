"""Whatever fails of the agent's, an app answers as without it, does what it does once, and the fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.removal.processes import ENVIRONMENTS, run


@pytest.mark.parametrize("version", ENVIRONMENTS)
def test_every_line_fails_once_and_every_function_for_good(version: str, tmp_path: Path) -> None:
    """WSGI, Flask, Django, ASGI; SQL, files, commands, calls, threads, logins; monitoring, blocking, refusing."""
    found = run("faults", version, tmp_path)
    assert found["problems"] == []
    assert found["lines"] > 400
    assert found["functions"] > 120
