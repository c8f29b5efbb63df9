"""`pyagent.disable()` leaves every library as it was: all orderings of import, enable, disable and others' patches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.removal.processes import ENVIRONMENTS, run

SEEN: dict[str, set[str]] = {}

NOWHERE = ("pyodbc.", "pymssql.", "oracledb.", "cx_Oracle.", "eventlet.", "aiohttp.", "psycopg.server_cursor.", "mako.",
           "tornado.", "yaml.", "jsonpickle.", "lxml.")
"""Rows of libraries, or of older versions of them, that none of these environments has."""


@pytest.mark.parametrize("version", ENVIRONMENTS)
def test_nothing_is_left(version: str, tmp_path: Path) -> None:
    """Every hooked attribute, finder, signal, thread, descriptor, loader; copies and objects made while it was on."""
    found = run("removal", version, tmp_path)
    assert found["problems"] == []
    assert found["orderings"] > 100
    assert found["places"] > 50
    failed = {target: state for target, state in found["states"].items() if state[0] == "failed"}
    assert failed == {}
    SEEN[version] = {target for target, state in found["states"].items() if state[0] == "installed"}


def test_every_row_was_tried() -> None:
    """Each row was installed on one of the interpreters at least."""
    if set(SEEN) != set(ENVIRONMENTS):
        pytest.skip("not every interpreter was tried")
    from pyagent.instrument import everything

    untried = {row.target for row in everything.ROWS}.difference(*SEEN.values())
    assert sorted(target for target in untried if not target.startswith(NOWHERE)) == []
