"""Sites in block mode whose requests are refused: which there are, how they are asked, what they say of themselves."""

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
BARE = [
    *(Row("WSGI", how, "", version, f"-m {SITES}refused_bare {how} {{port}}")
      for how in ("list", "early", "generator", "write") for version in ("2.7", "3.6", "3.13")),
    *(Row("http.server", "", "", v, f"-m {SITES}refused_bare http {{port}}") for v in ("2.7", "3.6", "3.13")),
    Row("ASGI", "uvicorn", "asgi", "3.13", f"{UVICORN} {SITES}refused_asgi:application"),
    Row("WSGI", "waitress", "flask-3", "3.13", f"-m waitress --port {{port}} {SITES}refused_bare:early"),
    Row("WSGI", "gunicorn", "flask-3", "3.13", f"{GUNICORN} {SITES}refused_bare:generator"),
]  # fmt: skip


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

    def ask(
        self, path: str, method: str = "GET", data: str | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Answer and body; the diary begins anew. `data` of a form makes it a POST."""
        if data is not None:
            method, headers = "POST", {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        self.diary.write_text("")
        connection = http.client.HTTPConnection(self.site.base.partition("//")[2], timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, headers=named)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def refused(
        self, path: str, *diary: str, rule: str = "", data: str | None = None, **headers: str
    ) -> dict[str, Any]:
        """The path is refused, with headers and an id that leads to its trace; so far went the app, and no farther."""
        answer, body = self.ask(path, data=data, **headers)
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

    def served(self, path: str, *diary: str, data: str | None = None, **headers: str) -> bytes:
        answer, body = self.ask(path, data=data, **headers)
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
        wait_for(lambda: running.json("policy", "apply", str(document))[0]["applied"], 60, "the policy everywhere")
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
