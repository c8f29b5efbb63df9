"""SQL injection through every driver and two ORMs into real servers: reached, and told with its facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases.servers import MissingError, Server
from tests.databases.test_drivers import NEW, OLD, SYSTEMS
from tests.e2e.harness import Node, running_node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import Row
from tests.matrix.serving import Site, served

ATTACK = "?name=x%27%20OR%20age%20%3E%2040%20OR%20%271%27%3D%272"
ORMS = ("sqlalchemy/postgresql", "sqlalchemy/mariadb", "django/postgresql", "django/mariadb")
ENVIRONMENTS = {"2.7": ("drivers-old", OLD), "3.11": ("drivers", NEW)}


@pytest.mark.parametrize("version", ENVIRONMENTS)
def test_injection(version: str, servers: Callable[[str], Server], tmp_path: Path) -> None:
    """Each way in is found where it becomes code; literals are replaced, the injected part kept, the server named."""
    packages, names = ENVIRONMENTS[version]
    row = Row("SQL", "wsgiref", packages, version, "-m tests.databases.shop_site {port}")
    try:
        ports = {kind: servers(kind).port for kind in ("postgresql", "mariadb")}
        variables = {f"COWITNESS_TEST_{kind.upper()}": str(port) for kind, port in ports.items()}
        with running_node() as node, served(row, node, tmp_path, **variables) as site:
            for driver in names:
                attack(node, site, f"/driver/{driver.replace(' ', '_')}", SYSTEMS.get(driver, "mysql"), ports)
            for orm in ORMS:
                system = "postgresql" if "postgresql" in orm else "mysql"
                attack(node, site, f"/{orm}", system, ports)
    except (AbsentError, MissingError) as error:
        pytest.skip(str(error))


def attack(node: Node, site: Site, path: str, system: str, ports: dict[str, int]) -> None:
    """One injection; what the trace says of its statement."""
    status, body = site.get(path + ATTACK)
    assert (status, sorted(body.split())) == (200, [b"alan", b"grace"]), (path, body, site.log.read_text()[-2000:])

    def found() -> dict[str, Any] | None:
        traces = node.traces("--service", site.service, "--verdict", "reached")
        return next((trace for trace in traces if trace["request"]["urlPath"] == path), None)

    trace = wait_for(found, 60, f"a trace of {path}")
    finding = next(f for f in trace["findings"] if f["stage"] == "VERDICT_REACHED")
    assert (finding["category"], finding["parameter"]) == ("sql_injection", "name")
    operation = next(one for one in trace["operations"] if one.get("index", 0) == finding.get("operationIndex", 0))
    assert operation["dbSystemName"] == system
    assert operation["dbQuerySummary"].lower().replace('"', "").replace("`", "") == "select users"
    assert "age > ? AND name" in operation["text"]
    assert "OR age > 40" in operation["text"]
    if system != "sqlite":
        port = ports["postgresql" if system == "postgresql" else "mariadb"]
        assert (operation["server"]["address"], operation["server"]["port"]) == ("127.0.0.1", port)
