"""Refusals at the request, the route, the user and the operation, in old and new frameworks under real servers: how far
the app came, what the client hears, and what is left of a request that was stopped half-way."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Node, running_node, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import HYPERCORN, SITES, UVICORN, Row
from tests.matrix.serving import Site, served

ATTACK = "..%2f..%2f..%2fetc%2fpasswd"
COMMAND = "x%3Btouch%20executed"
LISTED, OTHER = "eve", "ada"
POLICY = {
    "mode": "block",
    "rules": [{"rule": "*", "action": "block", "parameter": "word"}],
    "block": [{"subject": f"user:{LISTED}", "reason": "known for it"}],
}
BLOCK = {"COWITNESS_MODE": "block", "COWITNESS_DEADLINE_MS": "1000", "COWITNESS_USER_MODE": "identification"}
GUNICORN = "-m gunicorn.app.wsgiapp -b 127.0.0.1:{port} -w 1 --log-level warning"


def django(release: str, *versions: str) -> list[Row]:
    command = f"{GUNICORN} {SITES}refused_django"
    return [Row(f"Django {release}", "gunicorn", f"django-{release}", version, command) for version in versions]


def django_async(release: str, *versions: str) -> list[Row]:
    command = f"{UVICORN} {SITES}refused_django:application"
    return [Row(f"Django {release} ASGI", "uvicorn", f"django-{release}", version, command) for version in versions]


def flask(release: str, *versions: str) -> list[Row]:
    command = f"{GUNICORN} {SITES}refused_flask"
    return [Row(f"Flask {release}", "gunicorn", f"flask-{release}", version, command) for version in versions]


def fastapi(packages: str, *versions: str) -> list[Row]:
    uvicorn, hypercorn = (f"{server} {SITES}refused_fastapi:application" for server in (UVICORN, HYPERCORN))
    rows = [Row("FastAPI", "uvicorn", packages, version, uvicorn) for version in versions]
    return [*rows, Row("FastAPI", "hypercorn", packages, versions[-1], hypercorn)]


DJANGO = [
    *django("1.8", "2.7"), *django("1.11", "2.7", "3.6"), *django("2.2", "3.6"), *django("4.2", "3.11"),
    *django("newest", "3.13"), *django_async("3.2", "3.7"), *django_async("newest", "3.14"),
]  # fmt: skip
JWT = Row("Django JWT", "gunicorn", "users", "3.13", f"{GUNICORN} {SITES}refused_django")
FLASK = [*flask("0.12", "2.7", "3.6"), *flask("3", "3.13")]
FASTAPI = [*fastapi("asgi-old", "3.7"), *fastapi("asgi", "3.9", "3.13")]


class Desk:
    """Asks a site, and reads its diary."""

    def __init__(self, row: Row, site: Site, node: Node, folder: Path) -> None:
        self.row, self.site, self.node, self.folder = row, site, node, folder
        self.diary, self.late = folder / "diary", 0
        self.diary.touch()

    def judged(self) -> bool:
        """Whether an attack is refused: the judge's first ones may be late on a busy machine, and are let pass then."""
        refused = self.site.get(f"/?word={ATTACK}")[0] == 403
        self.late += not refused
        return refused

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Answer and body; the diary begins anew."""
        self.diary.write_text("")
        connection = http.client.HTTPConnection(self.site.base.partition("//")[2], timeout=60)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def refused(self, path: str, *diary: str, rule: str = "", **headers: str) -> dict[str, Any]:
        """The path is refused, with headers and an id that leads to its trace; so far went the app, and no farther."""
        answer, body = self.ask(path, **headers)
        assert (answer.status, answer.headers.get_content_type()) == (403, "application/json")
        assert answer.reason == "Blocked" or self.row.server != "gunicorn"  # others have words of their own
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers.get_all("Content-Length") == [str(len(body))]
        assert len(answer.headers.get_all("Content-Type")) == 1
        assert answer.headers["Set-Cookie"] is None
        self.wrote(*diary)
        trace = self.trace(json.loads(body)["security_response_id"])
        request = trace["request"]
        assert (trace["action"], request["statusCode"]) == ("ACTION_BLOCKED", 403)
        assert request["urlPath"] == urllib.parse.unquote(path.partition("?")[0])
        assert not rule or rule in {finding["ruleId"] for finding in trace["findings"]}
        return trace

    def served(self, path: str, *diary: str, **headers: str) -> bytes:
        answer, body = self.ask(path, **headers)
        assert answer.status == 200, body
        self.wrote(*diary)
        return body

    def wrote(self, *lines: str) -> None:
        """The diary says this and nothing else. A site writes when a request has ended, and its client goes before."""
        wait_for(lambda: len(self.lines()) >= len(lines), 30, f"{lines} in the diary: {self.lines()}")
        assert self.lines() == list(lines)

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines()

    def trace(self, identity: str) -> dict[str, Any]:
        """What `cowitness trace ID` shows, once the request's end stands in it."""

        def found() -> dict[str, Any]:
            done = self.node.ask("trace", identity, "--json")
            trace: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
            return trace if trace.get("request", {}).get("statusCode") else {}

        return wait_for(found, 60, f"the trace {identity}")

    def state(self, **headers: str) -> Any:
        """The rows of the site in Django, and what it finds in the session."""
        return json.loads(self.served("/state", "finished closed", **headers))

    def cookie(self, name: str) -> str:
        """That of a user's session, in the site in Django."""
        return f"sessionid={(self.folder / name).read_text().split()[0]}"

    def token(self, name: str) -> tuple[str, str]:
        """A path of the site in Django, and what a user says there."""
        words = (self.folder / name).read_text().split()
        return ("/jwt", f"Bearer {words[2]}") if self.row is JWT else ("/api", f"Token {words[1]}")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node("--no-probes") as running:
        document = running.run_dir / "policy.json"
        document.write_text(json.dumps(POLICY))
        assert running.json("policy", "apply", str(document))[0]["applied"]
        yield running


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The site of a row, with an agent that has taken over the policy."""
    folder = tmp_path_factory.mktemp("site")
    try:
        with served(request.param, node, folder, **BLOCK) as site:
            pid = int(site.get("/")[1])
            wait_for(lambda: obeys(node, pid), 30, "the policy at the agent")
            desk = Desk(request.param, site, node, folder)
            wait_for(desk.judged, 30, "verdicts in time")
            if request.param in [*DJANGO, JWT]:
                desk.wrote(*["finished closed"] * (2 + desk.late))
            yield desk
            assert "Traceback" not in site.log.read_text()
    except AbsentError as error:
        pytest.skip(str(error))


def obeys(node: Node, pid: int) -> bool:
    agents = [one for one in node.json("agents") if one.get("connected") and one["process"]["pid"] == pid]
    return any(int(one["policyVersion"]) for one in agents)


def among(*rows: list[Row]) -> pytest.MarkDecorator:
    """The same site serves all tests of a row."""
    params = [
        pytest.param(row, id=row.name, marks=pytest.mark.xdist_group(f"refusals {row.name}"))
        for group in rows
        for row in group
    ]
    return pytest.mark.parametrize("desk", params, indirect=True, scope="module")


@among(DJANGO, FLASK, FASTAPI)
def test_at_the_request(desk: Desk) -> None:
    """Before the app is called; a HEAD hears no body."""
    desk.refused(f"/item/plain?word={ATTACK}")
    answer, body = desk.ask(f"/item/plain?word={ATTACK}", "HEAD")
    assert (answer.status, body, int(answer.headers["Content-Length"]) > 100) == (403, b"", True)
    desk.wrote()


@among(DJANGO)
def test_at_the_route_of_django(desk: Desk) -> None:
    """A parameter that the router took from the path is judged under its name, before the view; connections end."""
    desk.refused(f"/item/{ATTACK}", "finished closed")
    desk.served(f"/other/{ATTACK}", "view", "finished closed")


@among(FLASK, FASTAPI)
def test_at_the_route(desk: Desk) -> None:
    """A parameter that the router took from the path is judged under its name, before the view."""
    ends = ["ended Blocked"] if desk.row in FLASK else []
    desk.refused(f"/item/{ATTACK}", *ends)
    desk.served(f"/other/{ATTACK}", "view", *["ended NoneType"] * len(ends))


@among(DJANGO)
def test_at_the_user_of_a_layer(desk: Desk) -> None:
    """Whom a middleware of the app has found, before the view."""
    desk.refused("/layered", "finished closed", rule="policy-user", X_Name=LISTED)
    assert desk.served("/layered", "view", "finished closed", X_Name=OTHER) == OTHER.encode()


@among(DJANGO, [JWT])
def test_at_the_user_of_rest_framework(desk: Desk) -> None:
    """Whose token it is, before the view."""
    path, words = desk.token(LISTED)
    desk.refused(path, "finished closed", rule="policy-user", Authorization=words)
    path, words = desk.token(OTHER)
    assert OTHER.encode() in desk.served(path, "view", "finished closed", Authorization=words)


@among(DJANGO)
def test_at_the_user_of_a_session(desk: Desk) -> None:
    """Where the view asks for the user it ends; rows and session are as before, connections end."""
    desk.refused("/own", "view", "finished closed", rule="policy-user", Cookie=desk.cookie(LISTED))
    for headers in ({}, {"Cookie": desk.cookie(LISTED)}):
        assert desk.state(**headers) == {"groups": [], "seen": None}


@among([row for row in DJANGO if row.framework == "Django newest ASGI"])
def test_at_the_user_of_an_asynchronous_view(desk: Desk) -> None:
    """Where it awaits `request.auser()`."""
    desk.refused("/auser", "view", "finished closed", rule="policy-user", Cookie=desk.cookie(LISTED))
    desk.served("/auser", "view", "went on", "finished closed", Cookie=desk.cookie(OTHER))


@among(FLASK)
def test_at_the_user_of_flask(desk: Desk) -> None:
    """Whom the app names before its view."""
    desk.refused("/layered", "ended Blocked", rule="policy-user", X_Name=LISTED)
    desk.served("/layered", "view", "ended NoneType", X_Name=OTHER)


@among(FASTAPI)
def test_at_the_user_of_fastapi(desk: Desk) -> None:
    """Whom a dependency names, before the view; dependencies end where they run, the last first."""
    desk.refused("/layered", *OPENED, *CLOSED, rule="policy-user", X_Name=LISTED)
    desk.served("/layered", *OPENED, "view", *CLOSED, X_Name=OTHER)


OPENED, CLOSED = ("opened in a worker", "opened here"), ("closed here", "closed in a worker")


@among(DJANGO)
def test_at_the_operation_in_django(desk: Desk) -> None:
    """The command is not executed and the view ends, its own `finally` runs; rows and session are as before."""
    desk.refused(f"/run?arg={COMMAND}", "view", "left", "finished closed")
    assert not (desk.folder / "executed").exists()
    assert desk.state() == {"groups": [], "seen": None}


@among(FLASK)
def test_at_the_operation_in_flask(desk: Desk) -> None:
    """The command is not executed and the view ends; what tears down is told of it."""
    desk.refused(f"/run?arg={COMMAND}", "view", "left", "ended Blocked")
    assert not (desk.folder / "executed").exists()


@among(FASTAPI)
@pytest.mark.parametrize("path", ["/run", "/arun"])
def test_at_the_operation_in_fastapi(desk: Desk, path: str) -> None:
    """The command is not executed and the view ends; dependencies end where they run, the last first."""
    desk.refused(f"{path}?arg={COMMAND}", *OPENED, "view", "left", *CLOSED)
    assert not (desk.folder / "executed").exists()


@among(DJANGO, FLASK, FASTAPI)
def test_apps_that_catch_everything(desk: Desk) -> None:
    """An answer in spite of a refusal does not get out."""
    before, after = (OPENED, CLOSED) if desk.row in FASTAPI else ((), ("finished closed",))
    after = ("ended NoneType",) if desk.row in FLASK else after
    desk.refused(f"/stubborn?arg={COMMAND}", *before, "view", "caught", *after)
    assert not (desk.folder / "executed").exists()


@among([row for row in DJANGO + FLASK if row.server == "gunicorn"])
def test_answers_that_have_begun(desk: Desk) -> None:
    """Where no part is out the refusal takes the place of an answer, with its headers and none of the others."""
    begun = ("view", "finished closed") if desk.row in DJANGO else ("ended NoneType", "view")
    desk.refused(f"/stream?arg={COMMAND}", *begun)
    assert not (desk.folder / "executed").exists()
