"""The record of a request, detail by detail: what was asked and what came back, in every family of frameworks, the
oldest and the newest, by real HTTP through a real server."""

from __future__ import annotations

import json
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.harness import Node, running_node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import Row, rows
from tests.matrix.serving import Site, served
from tests.matrix.sites import acts
from tests.transparent.talk import End, Step, Until, Vanish, body_size, status, talk
from tests.transparent.wsgi_cases import head

ATTACK = "x' OR '1'='1"
QUOTED = urllib.parse.quote(ATTACK)
FAMILIES = {
    "WSGI": ("wsgiref", "", "2.7", "3.14"),
    "Django 1.8": ("gunicorn", "django", "2.7"),
    "Django newest": ("gunicorn", "django", "3.14"),
    "Flask 0.10": ("gunicorn gthread", "flask", "2.7"),
    "Flask 3": ("gunicorn gthread", "flask", "3.14"),
    "Starlette": ("uvicorn", "starlette", "3.7", "3.14"),
    "FastAPI": ("hypercorn", "fastapi", "3.7", "3.14"),
    "Django 3.2 ASGI": ("uvicorn", "django", "3.7"),
    "Django newest ASGI": ("uvicorn", "django", "3.14"),
}
"""The row's framework: its server, the framework as the record names it, interpreters."""

ROUTES = {"": "", "flask": "/run/<word>", "django": "/run/<word>", "starlette": "/run/{word}", "fastapi": "/run/{word}"}
UNENDING = "Django 3.2 ASGI"
"""Walks through an answer without looking whether the client is still there."""

LATE = "3.7"
"""Its Hypercorn sends the head with the first part only, and 500 where none comes: nobody tells the app of that."""

ROWS = [r for r in rows() if r.framework in FAMILIES]
ROWS = [r for r in ROWS if r.server == FAMILIES[r.framework][0] and r.version in FAMILIES[r.framework][2:]]
PARAMS = [pytest.param(r, id=r.name, marks=pytest.mark.xdist_group(f"details {r.packages} {r.version}")) for r in ROWS]


class Desk:
    """Asks a site, and reads what its node kept of that."""

    def __init__(self, row: Row, site: Site, node: Node) -> None:
        self.row, self.site, self.node = row, site, node
        self.framework = FAMILIES[row.framework][1]

    def ask(
        self, path: str, *lines: str, method: str = "GET", body: bytes = b"", steps: tuple[Step, ...] = ()
    ) -> tuple[bytes, dict[str, Any]]:
        """What the client heard, and the trace of the request once it has ended; `path` or `body` hold an attack."""
        name = uuid.uuid4().hex[:8]
        port = urllib.parse.urlsplit(self.site.base).port
        assert port
        heard = talk(port, (head(name, path, *lines, method=method) + body, *steps))
        found = wait_for(lambda: self._ended(name), 60, f"the end of {path}; heard: {heard[-500:]!r}")
        return heard, found

    def _ended(self, name: str) -> dict[str, Any] | None:
        traces = self.node.traces("--service", self.site.service)
        return next((t for t in traces if request_headers(t).get("x-case") == name and seconds(t)), None)


def request_headers(trace: dict[str, Any]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in trace["request"]["requestHeaders"]}


def response_headers(trace: dict[str, Any]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in trace["request"]["responseHeaders"]}


def seconds(trace: dict[str, Any]) -> float:
    """How long it took; 0 before its end."""
    return float((trace["request"].get("duration") or "0s").removesuffix("s"))


def places(trace: dict[str, Any]) -> set[tuple[str, str]]:
    """Where attacks were found: (location, parameter)."""
    return {(finding["location"], finding["parameter"]) for finding in trace["findings"]}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node("--no-probes") as running:
        yield running


@pytest.fixture(scope="module", params=PARAMS)
def desk(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A site of each row."""
    try:
        with served(request.param, node, tmp_path_factory.mktemp("site")) as site:
            yield Desk(request.param, site, node)
    except AbsentError as error:
        pytest.skip(str(error))


def test_what_was_asked(desk: Desk) -> None:
    """Method, URL, query, route, headers and addresses; path parameters, query, cookies and headers are looked at."""
    before = time.time()
    query = f"arg=plain&a=1&a={QUOTED}"
    heard, trace = desk.ask(f"/run/{QUOTED}?{query}", f"Cookie: seen={QUOTED}; b=2", f"User-Agent: {ATTACK}")
    request = trace["request"]
    names = ("method", "urlPath", "urlQuery", "urlScheme", "serverAddress", "framework", "clientAddress", "userAgent")
    wanted = ("GET", f"/run/{ATTACK}", query, "http", "site", desk.framework, "127.0.0.1", ATTACK)
    assert dict(zip(names, wanted, strict=True)) == {name: request[name] for name in names}
    assert request["peer"]["address"] == "127.0.0.1"
    old = desk.row.framework == "Django 1.8"
    assert request["route"] == ("/run/(?P<word>[^/]+)" if old else ROUTES[desk.framework])
    assert request_headers(trace)["cookie"] == "seen=<redacted>; b=<redacted>"
    word = "word" if desk.framework else ""
    assert {("path_params", word), ("query", "a"), ("cookie", "seen"), ("header", "user-agent")} <= places(trace)
    assert before - 0.01 <= datetime.fromisoformat(request["startTime"]).timestamp() <= time.time()
    answered(heard, trace)


def answered(heard: bytes, trace: dict[str, Any], exception: str = "") -> None:
    """The record says of the answer what the client heard."""
    request = trace["request"]
    heard_status = status(heard) or 500  # 2.7's wsgiref hangs up
    assert (request["statusCode"], request["exceptionType"]) == (heard_status, exception)
    if not exception:
        assert int(request["responseBodySize"]) == body_size(heard)


def test_forms(desk: Desk) -> None:
    """Posted fields under their names."""
    body = f"arg=plain&field={QUOTED}".encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    heard, trace = desk.ask("/form", kind, f"Content-Length: {len(body)}", method="POST", body=body)
    assert (trace["request"]["method"], int(trace["request"]["bodySize"])) == ("POST", len(body))
    assert places(trace) == {("body", "field")}
    answered(heard, trace)


def test_json(desk: Desk) -> None:
    """Values under their key paths."""
    body = json.dumps({"arg": "plain", "deep": {"list": ["a", ATTACK]}}).encode()
    kind = "Content-Type: application/json"
    heard, trace = desk.ask("/form", kind, f"Content-Length: {len(body)}", method="POST", body=body)
    assert int(trace["request"]["bodySize"]) == len(body)
    assert places(trace) == {("body", "deep.list[1]")}
    answered(heard, trace)


def test_multipart(desk: Desk) -> None:
    """Fields under their names, and the names of files."""
    lines = [
        '--b0\r\nContent-Disposition: form-data; name="arg"\r\n\r\nplain',
        f'--b0\r\nContent-Disposition: form-data; name="field"\r\n\r\n{ATTACK}',
        f'--b0\r\nContent-Disposition: form-data; name="photo"; filename="{ATTACK}.php"\r\n\r\ncontent',
    ]
    body = "\r\n".join([*lines, "--b0--", ""]).encode()
    kind = "Content-Type: multipart/form-data; boundary=b0"
    heard, trace = desk.ask("/form", kind, f"Content-Length: {len(body)}", method="POST", body=body)
    assert int(trace["request"]["bodySize"]) == len(body)
    assert places(trace) == {("body", "field"), ("file_name", "photo")}
    answered(heard, trace)


@pytest.mark.parametrize("how", ["whole", "file"])
def test_streamed_answers(desk: Desk, how: str) -> None:
    """Status, headers and size of what the framework sends in parts, or has its server send."""
    heard, trace = desk.ask(f"/answer/{how}?q={QUOTED}")
    assert response_headers(trace)["x-site"] == how
    if how == "file" and "responseBodySize" not in trace["request"]:
        assert b"content-length:" not in heard.lower()
        trace["request"]["responseBodySize"] = body_size(heard)
    answered(heard, trace)
    assert status(heard) == 200


def test_head(desk: Desk) -> None:
    """No more of the answer than its head."""
    heard, trace = desk.ask(f"/answer/whole?q={QUOTED}", method="HEAD")
    request = trace["request"]
    assert (request["method"], request["statusCode"], request["exceptionType"]) == ("HEAD", status(heard), "")
    assert response_headers(trace)["x-site"] == "whole"


@pytest.mark.parametrize(("how", "size"), [("none", 0), ("half", 7)])
def test_answers_that_fail(desk: Desk, how: str, size: int) -> None:
    """A generator that raises, before its first part or after it: the status that was sent, and what was raised."""
    heard, trace = desk.ask(f"/answer/{how}?q={QUOTED}")
    if desk.row.framework == "FastAPI" and desk.row.version == LATE and how == "none":
        assert (status(heard), trace["request"]["statusCode"]) == (500, 200)
        trace["request"]["statusCode"] = 500
    answered(heard, trace, "ValueError")
    assert int(trace["request"]["responseBodySize"]) == size
    raised(trace)


def raised(trace: dict[str, Any]) -> None:
    """Message and stack of what the site raised, without the agent's own frames."""
    request = trace["request"]
    assert request["exceptionMessage"] == "the view failed"
    stack = request["exceptionStack"]
    file, _, where = stack[-1].rpartition(":")
    assert (file, where.partition(" ")[2]) == (acts.FILE, "fail")
    assert [line for line in stack if "/pyagent/" in line] == []


def test_views_that_fail(desk: Desk) -> None:
    """What nothing in the app handles, with its stack."""
    heard, trace = desk.ask(f"/error?q={QUOTED}")
    assert status(heard) == 500
    answered(heard, trace, "ValueError")
    raised(trace)


def test_clients_that_go(desk: Desk) -> None:
    """An answer that nobody waits for any more is told with what was sent of it, and nobody's exception."""
    if desk.row.framework == UNENDING:
        pytest.skip("this Django does not notice")
    heard, trace = desk.ask(f"/answer/endless?q={QUOTED}", steps=(Until(b"xxx"), Vanish()))
    request = trace["request"]
    assert (request["statusCode"], request["exceptionType"]) == (status(heard), "")
    assert int(request["responseBodySize"]) > 0


def test_uploads_that_break_off(desk: Desk) -> None:
    """A client that goes before it has sent all: what came of the body is told, and how the app took that."""
    lines = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 99")
    heard, trace = desk.ask(f"/form?q={QUOTED}", *lines, method="POST", steps=(b"arg=plain&", End()))
    request = trace["request"]
    assert (request["method"], int(request["bodySize"])) == ("POST", 10)
    assert status(heard) in (0, 400, request["statusCode"])  # 400 is Hypercorn's own answer, now and then


def test_what_is_not_there(desk: Desk) -> None:
    """No route was found, and that is no exception."""
    heard, trace = desk.ask(f"/nowhere?q={QUOTED}")
    assert trace["request"]["route"] == ""
    assert status(heard) == (404 if desk.framework else 200)
    answered(heard, trace)
