"""An attack that goes through two services is one: each of its requests leads to the others, innocent ones too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Node, running_node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import GUNICORN, HYPERCORN, Row, rows
from tests.matrix.serving import Site, served
from tests.tracing.asking import traces

ATTACK = "x;cat /proc/version"
RUN = "/run/word?arg=x%253Bcat%2520/proc/version"
FRONT = f"{GUNICORN} tests.tracing.programs.front_site"


def row(framework: str, server: str, version: str) -> Row:
    return next(r for r in rows() if (r.framework, r.server, r.version) == (framework, server, version))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


def test_both_are_attacked(node: Node, tmp_path: Path) -> None:
    """Flask on 2.7 is made to ask Django under ASGI: a forged request there, a command here, linked both ways."""
    with both(node, tmp_path, row("Flask 1.1", "gunicorn gthread", "2.7"),
              row("Django newest ASGI", "uvicorn", "3.13")) as (front, back):  # fmt: skip
        assert b"Linux version" in front.get(f"/go?url={back.base}{RUN}")[1]
        here, there = (linked(node, site) for site in (front, back))
    assert other(there, here["id"])["relation"] == "RELATION_PARENT"
    assert other(here, there["id"])["relation"] == "RELATION_CHILD"
    assert other(here, there["id"])["verdict"] in ("VERDICT_REACHED", "VERDICT_CONFIRMED")
    assert here["request"]["traceId"] == there["request"]["traceId"]
    listed = node.traces("--trace-id", here["request"]["traceId"])
    assert {trace["id"] for trace in listed} == {here["id"], there["id"]}


def test_an_innocent_front(node: Node, tmp_path: Path) -> None:
    """Nothing was found in the front's request, and it is on the trace, with its client; people see it, too."""
    fastapi = row("FastAPI", "hypercorn", "3.13")
    assert fastapi.command.startswith(HYPERCORN[:10])
    with both(node, tmp_path, Row("Flask", "gunicorn", "datadog", "3.11", FRONT), fastapi) as (front, back):
        relayed(front)
        trace = linked(node, back)
        assert not node.traces("--service", front.service)
    (asked,) = trace["linked"]
    assert (asked["relation"], asked["verdict"]) == ("RELATION_PARENT", "VERDICT_UNSPECIFIED")
    request = asked["request"]
    assert (request["process"]["serviceName"], request["urlPath"]) == (front.service, "/relay")
    assert (request["clientAddress"], request["statusCode"]) == ("127.0.0.1", 200)
    page = node.cli("trace", trace["id"]).stdout
    assert "asked for this" in page
    assert "/relay" in page


def test_an_innocent_back(node: Node, tmp_path: Path) -> None:
    """The service that a forged request went to has nothing to report, and is named."""
    flask = row("Flask 3", "gunicorn gthread", "3.13")
    with both(node, tmp_path, flask, flask) as (front, back):
        assert front.get(f"/go?url={back.base}/")[1] == b"ok"
        trace = linked(node, front)
        assert not node.traces("--service", back.service)
    assert [one["relation"] for one in trace["linked"]] == ["RELATION_CHILD"]
    assert trace["linked"][0]["request"]["process"]["serviceName"] == back.service


def test_with_a_tracer_in_both(node: Node, tmp_path: Path) -> None:
    """OpenTelemetry's spans stand between the two requests: parent and child all the same."""
    otel = Row("Flask", "gunicorn", "opentelemetry", "3.13", FRONT)
    with both(node, tmp_path, otel, otel, COWITNESS_TEST_OTEL="1") as (front, back):
        relayed(front)
        trace = linked(node, back)
    assert [(one["relation"], one["id"]) for one in trace["linked"]] == [
        ("RELATION_PARENT", trace["linked"][0]["request"]["spanId"])
    ]
    assert trace["linked"][0]["request"]["traceId"] == trace["request"]["traceId"]


class both:  # noqa: N801 - reads as a word of the with statement
    """The two services of a test; skips where an interpreter is absent."""

    def __init__(self, node: Node, directory: Path, front: Row, back: Row, **variables: str) -> None:
        self.node, self.directory, self.front, self.back, self.variables = node, directory, front, back, variables

    def __enter__(self) -> tuple[Site, Site]:
        try:
            self._back = served(self.back, self.node, self._folder("back"), **self.variables)
            back = self._back.__enter__()
            self._front = served(self.front, self.node, self._folder("front"), BEHIND=back.base, **self.variables)
            return self._front.__enter__(), back
        except AbsentError as error:
            pytest.skip(str(error))

    def __exit__(self, *error: Any) -> None:
        self._front.__exit__(*error)
        self._back.__exit__(*error)

    def _folder(self, name: str) -> Path:
        folder = self.directory / name
        folder.mkdir()
        return folder


def relayed(front: Site) -> None:
    status, body = front.get(f"/relay?hex={ATTACK.encode().hex()}")
    assert (status, b"Linux version" in body) == (200, True), front.log.read_text()[-2000:]


def linked(node: Node, site: Site) -> dict[str, Any]:
    """The attack trace of a site, once another request of its trace is on it."""

    def found() -> dict[str, Any] | None:
        return next((trace for trace in traces(node, service_name=site.service) if _told(trace)), None)

    return wait_for(found, 60, f"a linked trace of {site.service}: {traces(node, service_name=site.service)}")


def _told(trace: dict[str, Any]) -> bool:
    """Whether another request is on it, and its app has spoken of it: the kernel may have been first."""
    return bool(trace["linked"]) and all(one["request"]["urlPath"] for one in trace["linked"])


def other(trace: dict[str, Any], request_id: str) -> dict[str, Any]:
    return next(one for one in trace["linked"] if one["id"] == request_id)
