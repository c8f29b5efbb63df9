"""Every PEP 249 driver against its real server: the app sees what it would see without us; we see every statement."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.databases.servers import MissingError, Server
from tests.e2e.harness import ROOT
from tests.matrix.environments import AbsentError, environment

OLD = ("sqlite3", "psycopg2", "pymysql", "MySQLdb", "mysql.connector", "mysql.connector pure")
NEW = (*OLD, "psycopg", "mariadb")
CASES = [("drivers-old", version, driver) for version in ("2.7", "3.6") for driver in OLD]
CASES += [("drivers", version, driver) for version in ("3.9", "3.11", "3.13") for driver in NEW]
SYSTEMS = {"sqlite3": "sqlite", "psycopg2": "postgresql", "psycopg": "postgresql", "mariadb": "mariadb"}
Ports = Callable[[str], Server]


@pytest.mark.parametrize(("packages", "version", "driver"), CASES, ids=[f"{d} on {v}" for _, v, d in CASES])
def test_driver(packages: str, version: str, driver: str, servers: Ports) -> None:
    """The same results, types and errors with and without; each statement with its facts."""
    system = SYSTEMS.get(driver, "mysql")
    try:
        server = servers("postgresql" if system == "postgresql" else "mariadb")
        bare, watched = (exercise(packages, version, driver, server, agent) for agent in ("", "1"))
    except (AbsentError, MissingError) as error:
        pytest.skip(str(error))
    assert watched["app"] == bare["app"]
    assert watched["problems"] == bare["problems"] == []
    assert bare["agent"] == []
    check_operations(watched["agent"], system, [] if system == "sqlite" else [server.host, server.port])


def exercise(packages: str, version: str, driver: str, server: Server, agent: str) -> dict[str, Any]:
    """What exercise.py says."""
    found = environment(packages, version)
    variables = {**found.variables(ROOT), f"COWITNESS_TEST_{server.kind.upper()}": str(server.port)}
    variables.update({"COWITNESS_TEST_AGENT": agent, "COWITNESS_RUN_DIR": "/nonexistent"})
    done = subprocess.run(
        [found.python, "-m", "tests.databases.exercise", driver],
        env=variables, capture_output=True, text=True, timeout=120, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout))


def check_operations(operations: list[list[Any]], system: str, server: list[Any]) -> None:
    """The statements that every driver runs: text, dialect, parameters, rows, server, error."""
    by_text: dict[str, list[Any]] = {}
    for text, *facts in operations:
        by_text.setdefault(text.split(" VALUES")[0], facts)
    for text, (dialect, _, _, where, _, _, timed) in by_text.items():
        closed = text == "SELECT 1" and where is None  # asked of a closed cursor, which has no connection any more
        assert (dialect, where or [], timed) == (system, [] if closed else server, True)
    plain = by_text["SELECT name, age FROM users WHERE name = 'ada'"]
    assert (plain[1], plain[4]) == (False, "")
    assert by_text["UPDATE users SET age = age + 1 WHERE id > 3"][2] == 2
    selected = next(facts for text, facts in by_text.items() if text.startswith("SELECT name FROM users WHERE id ="))
    assert selected[1] is True
    assert by_text["INSERT INTO users"][1] is True
    failed = by_text["SELEC"]
    assert (failed[4] != "", failed[5] > 0) == (True, True)
