"""Every interpreter and framework of this machine, asked by HTTP through a real server, seen by a real node."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.report import note
from tests.matrix.rows import Row, rows
from tests.matrix.serving import Site, served

ATTACK = "x;cat /proc/version"
QUERY = "arg=x%3Bcat%20/proc/version"
ROWS = [
    pytest.param(row, id=row.name, marks=pytest.mark.xdist_group(f"{row.packages or row.framework} {row.version}"))
    for row in rows()
]


@pytest.mark.parametrize("row", ROWS)
def test_monitor(row: Row, matrix_node: Node, tmp_path: Path) -> None:
    """Attacks in query, form, JSON and upload are detected and confirmed by the kernel; errors and logins are told."""
    with present(row), served(row, matrix_node, tmp_path, COWITNESS_USER_MODE="identification") as site:
        assert "Linux version" in site.get("/run/word?" + QUERY)[1].decode()
        trace = confirmed(matrix_node, site, lambda t: t["request"]["urlPath"] == "/run/word")
        request = trace["request"]
        assert ("word" in request["route"]) == (row.framework != "WSGI"), request
        note(row, "detected", request["framework"] or "plain")
        note(row, "kernel", attributions(trace))
        bodies(row, matrix_node, site)
        failure(row, matrix_node, site)
        logins(row, matrix_node, site)


@pytest.mark.parametrize("row", ROWS)
def test_block(row: Row, matrix_node: Node, tmp_path: Path) -> None:
    """In block mode the attack is refused before anything is executed, with an id that leads to its trace, and ordinary
    requests are served."""
    marker = tmp_path / "executed"
    with present(row), served(row, matrix_node, tmp_path, COWITNESS_MODE="block", COWITNESS_DEADLINE_MS="1000") as site:
        assert site.get("/run/word?arg=plain") == (200, b"plain")
        status, body = site.get(f"/run/word?arg=x%3Btouch%20{marker}")
        assert status == 403, body
        assert not marker.exists()
        identity = json.loads(body)["security_response_id"]
        trace = wait_for(lambda: named(matrix_node, site, identity), 60, f"the trace {identity}")
        assert (trace["action"], trace["request"]["statusCode"]) == ("ACTION_BLOCKED", 403)
        assert site.form("/form", arg=f"x;touch {marker}")[0] == 403
        assert not marker.exists()
        note(row, "blocked", "403")


def named(node: Node, site: Site, identity: str) -> dict[str, Any] | None:
    """The trace with this id, once the request's end is told."""
    found = [one for one in node.traces("--service", site.service) if one["id"] == identity]
    return next((one for one in found if one["request"]["statusCode"]), None)


class present:  # noqa: N801 - reads as a word of the with statement
    """Skips a row whose interpreter is absent, with that reason in the matrix."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AbsentError):
            note(self.row, "absent", str(error))
            pytest.skip(str(error))


def confirmed(node: Node, site: Site, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The confirmed trace of this site that is wanted, once the kernel's exec of cat is on it."""

    def found() -> dict[str, Any] | None:
        traces = node.traces("--verdict", "confirmed", "--service", site.service)
        whole = [t for t in traces if wanted(t) and len(execs(t)) >= 2 and t["request"]["statusCode"]]
        return whole[0] if whole else None

    return wait_for(found, 60, f"a confirmed trace: {node.traces('--service', site.service)}")


def execs(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in trace["kernelEvents"] if event["kind"] == "exec"]


def attributions(trace: dict[str, Any]) -> str:
    """How the execs are tied to the request."""
    return " ".join(sorted({event["attribution"].removeprefix("ATTRIBUTION_").lower() for event in execs(trace)}))


def bodies(row: Row, node: Node, site: Site) -> None:
    """The posted field is found where it stands, whatever the body is."""
    assert b"Linux version" in site.form("/form", arg=ATTACK)[1]
    assert b"Linux version" in site.json("/form", arg=ATTACK)[1]
    kinds = ["form", "json"]
    if row.framework != "WSGI":
        assert b"Linux version" in site.upload("/form", "../../x.php", arg=ATTACK)[1]
        kinds.append("multipart")
    wanted = {"form": "application/x-www", "json": "application/json", "multipart": "multipart/form-data"}
    for kind in kinds:
        trace = confirmed(node, site, lambda t, kind=wanted[kind]: kind in header(t, "content-type"))
        found = {(f["location"], f["parameter"]) for f in trace["findings"]}
        assert ("body", "arg") in found, (kind, found)
    note(row, "inputs", "query " + " ".join(kinds))


def header(trace: dict[str, Any], name: str) -> str:
    """A request header of a trace."""
    return next((h["value"] for h in trace["request"]["requestHeaders"] if h["name"] == name), "")


def failure(row: Row, node: Node, site: Site) -> None:
    """What the view raised stands on the trace."""
    status = site.get("/error?q=1%27%20OR%20%271%27%3D%271")[0]
    assert status == 500

    def found() -> list[dict[str, Any]]:
        return [t for t in node.traces("--service", site.service) if t["request"]["exceptionType"]]

    request = wait_for(found, 60, "a trace with an exception")[0]["request"]
    assert (request["exceptionType"], request["exceptionMessage"]) == ("ValueError", "the view failed")
    assert request["statusCode"] == 500
    note(row, "exception", request["exceptionType"])


def logins(row: Row, node: Node, site: Site) -> None:
    """A login and (where the framework tells, or the app does) a failed one, with the user and the address."""
    assert site.form("/login", username="ada", password="wrong")[0] == 403
    assert site.form("/login", username="ada", password="lovelace")[0] == 200
    tells_failures = "Flask" not in row.framework

    def found() -> dict[str, dict[str, Any]] | None:
        events = {event["outcome"]: event for event in node.logins("--service", site.service)}
        wanted = {"LOGIN_OUTCOME_SUCCESS"} | ({"LOGIN_OUTCOME_FAILURE"} if tells_failures else set())
        return events if wanted <= set(events) and all(e["clientAddress"] for e in events.values()) else None

    events = wait_for(found, 60, f"logins: {node.logins('--service', site.service)}")
    success = events["LOGIN_OUTCOME_SUCCESS"]
    assert (success["user"]["id"], success["user"]["login"]) == ("1", "ada")
    assert success["clientAddress"] == "127.0.0.1"
    if tells_failures:
        assert events["LOGIN_OUTCOME_FAILURE"]["user"]["login"] == "ada"
    note(row, "logins", " ".join(sorted(name.removeprefix("LOGIN_OUTCOME_").lower() for name in events)))
