"""Answers that must not get out in block mode: the app had them ready when more was known than at the request."""

from __future__ import annotations

import json
import textwrap
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, free_port, python, running_app, short_directory, wait_for, watched

SITE = textwrap.dedent("""
    import ctypes, os, time
    from flask import Flask, request

    app = Flask(__name__)
    system = ctypes.CDLL(None).system  # as C code of an app's own: no hook is on it

    def wait():
        end = time.monotonic() + 60
        while not os.access("go", os.F_OK) and time.monotonic() < end:
            time.sleep(0.01)

    @app.get("/")
    def index():
        return "fine"

    @app.get("/native")
    def native():
        system(b"echo " + request.args["of"].encode() + b" >>heard")
        wait()
        return "secret"

    @app.get("/slow")
    def slow():
        wait()
        return "secret"

    @app.get("/status")
    def status():
        return "secret", int(request.args["code"]), {"X-Kind": request.args.get("kind", "plain")}
""")
RULES = textwrap.dedent("""
    [[rules]]
    id = "answer-001"
    name = "An answer that says what it is"
    category = "data_leak"
    tags = ["CWE-200"]
    block = true
    conditions = [{ inputs = ["status"], regex = '^418$' }, { inputs = ["response_header:x-kind"], regex = '^dump$' }]
    examples.match = ["418"]
    examples.pass = ["200"]
""")
REDIRECT = '[response]\nredirect_location = "/sorry?id=[security_response_id]"\n'
MODES = ("block", "monitor")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with short_directory() as directory:
        (directory / "rules").mkdir()
        (directory / "rules" / "answers.toml").write_text(RULES)
        made = Node(directory)
        made.config.write_text(made.config.read_text() + f'[detect]\nrules_dir = "{directory}/rules"\n{REDIRECT}')
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(params=MODES)
def app(node: Node, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    """The site in the mode that is the parameter; its service has the mode's name."""
    pytest.importorskip("flask")
    (tmp_path / "answers.py").write_text(SITE)
    port = free_port()
    server = f"-m gunicorn.app.wsgiapp -k gthread --threads 4 -b 127.0.0.1:{port} answers:app"
    settings = {"COWITNESS_SERVICE": request.param, "COWITNESS_DEADLINE_MS": "1000"}
    if request.param == "block":
        settings["COWITNESS_MODE"] = "block"
    with running_app(node, python(*server.split()), port, tmp_path, **settings) as running:
        yield running


def ask(app: App, path: str, **query: str) -> tuple[int, str, str]:
    """Status, Location and body; a redirection is not followed."""
    import http.client

    connection = http.client.HTTPConnection(app.base.partition("//")[2], timeout=90)
    connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("Location", ""), body


def meanwhile(app: App, where: Path, path: str, then: Callable[[], Any], **query: str) -> tuple[int, str, str]:
    """What is heard of a request during which something comes to be, before its answer is ready."""
    with ThreadPoolExecutor(1) as pool:
        asked: Future[tuple[int, str, str]] = pool.submit(ask, app, path, **query)
        try:
            then()
        finally:
            (where / "go").touch()
        return asked.result()


def trace_of(node: Node, service: str, path: str) -> dict[str, Any]:
    """The last trace of this service and path."""
    found = [t for t in node.traces() if t["request"]["process"]["serviceName"] == service]
    return next((t for t in found if t["request"]["urlPath"] == path), {})


def refused(heard: tuple[int, str, str]) -> str:
    """The id that the client was sent away with."""
    status, location, body = heard
    assert (status, location.startswith("/sorry?id="), body) == (303, True, "")
    return location.partition("=")[2]


def test_an_attack_that_only_the_kernel_saw(node: Node, app: App, tmp_path: Path, request: Any) -> None:
    """A command that went past every hook is confirmed by the kernel, and what it answered does not get out in block
    mode."""
    if reason := node.unwitnessed():
        pytest.skip(f"no probes on this machine: {reason}")
    mode = request.node.callspec.params["app"]
    wait_for(lambda: watched(app, node, mode, 1), 60, "a watched process")

    def seen() -> None:
        wait_for(lambda: trace_of(node, mode, "/native").get("verdict") == "VERDICT_CONFIRMED", 30, "a confirmed trace")

    heard = meanwhile(app, tmp_path, "/native", seen, of="x;cat /proc/version")
    assert "Linux" in (tmp_path / "heard").read_text()
    if mode == "monitor":
        assert heard == (200, "", "secret")
        return
    identity = refused(heard)
    wait_for(lambda: trace_of(node, mode, "/native")["action"] == "ACTION_BLOCKED", 30, "the answer's refusal in it")
    assert trace_of(node, mode, "/native")["id"] == identity


def test_somebody_who_is_listed_meanwhile(node: Node, app: App, tmp_path: Path) -> None:
    """Whose address is listed while its request is served hears no answer; in monitor mode that nobody asked for, too,
    once requests wait for verdicts as somebody is listed."""
    assert node.ask("block", "203.0.113.7").returncode == 0

    def agents() -> list[int]:
        return [int(one["policyVersion"]) for one in node.json("agents") if one.get("connected")]

    wait_for(lambda: app.get("/")[0] == 200 and all(agents()), 30, "a policy at the agents")
    known = max(agents())

    def listed() -> None:
        assert node.ask("block", "127.0.0.1", "--for", "5m", "--reason", "just now").returncode == 0
        wait_for(lambda: all(version > known for version in agents()), 30, "the policy at the agents")

    try:
        identity = refused(meanwhile(app, tmp_path, "/slow", listed))
    finally:
        node.ask("unblock", "127.0.0.1")
    trace = json.loads(wait_for(lambda: node.ask("trace", identity, "--json").stdout, 30, "the trace"))
    assert [one["ruleId"] for one in trace["findings"]] == ["policy-address"]


@pytest.mark.parametrize("app", ["block"], indirect=True)
def test_rules_for_answers(node: Node, app: App) -> None:
    """A rule that looks at status and headers of answers refuses those it matches, and no others."""
    identity = refused(ask(app, "/status", code="418", kind="dump"))
    for code, kind in (("418", "plain"), ("200", "dump")):
        assert ask(app, "/status", code=code, kind=kind) == (int(code), "", "secret")
    trace = json.loads(wait_for(lambda: node.ask("trace", identity, "--json").stdout, 30, "the trace"))
    found = [(one["ruleId"], one["location"], one["value"]) for one in trace["findings"]]
    assert found == [("answer-001", "status", "418")]
