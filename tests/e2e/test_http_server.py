"""An app on the standard library's http.server alone: attacks are confirmed where the agent only looks, stopped at the
operation where it blocks, and what the app is meant for passes."""

from __future__ import annotations

import socket
import textwrap
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, free_port, python, running_app, wait_for, watched

APP = textwrap.dedent("""
    import os, sqlite3, sys, urllib.parse, urllib.request
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path, _, query = self.path.partition("?")
            what = dict(urllib.parse.parse_qsl(query)).get("what", "")
            said = "failed"
            try:
                said = DOES.get(path, str)(what)
            except Exception as error:
                said = repr(error)
            finally:
                data = said.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

    def find(what):
        base = sqlite3.connect(":memory:")
        base.execute("create table books (title, price)")
        base.execute("insert into books values ('dune', 7)")
        return str(base.execute("select price from books where title = '%s'" % what).fetchall())

    DOES = {
        "/find": find,
        "/ping": lambda what: os.popen("echo pong " + what).read(),
        "/read": lambda what: open(os.path.join(os.path.dirname(__file__), what)).read(),
        "/fetch": lambda what: urllib.request.urlopen(what).read().decode(),
    }
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""")
NORMAL = {"/find": "dune", "/ping": "shop", "/read": "notes.txt"}
ATTACKS = {
    "/find": ("sql_injection", "x' union select sqlite_version() || 'stolen' --", "stolen"),
    "/ping": ("command_injection", "x;cat /proc/version", "Linux version"),
    "/read": ("path_traversal", "../" * 20 + "proc/version", "Linux version"),
    "/fetch": ("ssrf", "http://127.0.0.1:{port}/inner", ""),
}
"""Category, input, and what the answer has of what was stolen."""


@pytest.fixture
def app(witnessed_node: Node, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    """The app, watched, in the mode that is the parameter; its service has the mode's name."""
    mode, port = str(request.param), free_port()
    (tmp_path / "plain.py").write_text(APP)
    (tmp_path / "notes.txt").write_text("seven")
    settings = {"COWITNESS_MODE": mode, "COWITNESS_SERVICE": f"plain-{mode}", "COWITNESS_DEADLINE_MS": "1000"}
    with running_app(witnessed_node, python("plain.py", str(port)), port, tmp_path, **settings) as running:
        wait_for(lambda: watched(running, witnessed_node, f"plain-{mode}", 1), 60, "a watched process")
        yield running


def ask(app: App, path: str, what: str) -> tuple[int, str]:
    status, body = app.get(f"{path}?what={urllib.parse.quote(what.format(port=app.base.rpartition(':')[2]), safe='')}")
    return status, body.decode()


def trace_of(node: Node, service: str, path: str, verdict: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        traces = node.traces("--service", service, "--verdict", verdict)
        return [one for one in traces if one["request"]["urlPath"] == path and one["request"].get("statusCode")]

    return wait_for(found, 30, f"a trace of {path}, {verdict}: {node.traces('--service', service)}")[0]


@pytest.mark.parametrize("app", ["monitor"], indirect=True)
def test_confirmed(app: App, witnessed_node: Node) -> None:
    """Attacks do what they are to do, and the trace says what was reached or, of the kernel, that it was seen."""
    for path, (category, what, stolen) in ATTACKS.items():
        status, said = ask(app, path, what)
        assert (status, stolen in said) == (200, True), (path, said)
        verdict = "reached" if path == "/find" else "confirmed"
        trace = trace_of(witnessed_node, "plain-monitor", path, verdict)
        assert category in {finding["category"] for finding in trace["findings"]}
        request = trace["request"]
        assert (request["statusCode"], request["framework"]) == (200, "http.server")


@pytest.mark.parametrize("app", ["block"], indirect=True)
def test_stopped(app: App, witnessed_node: Node) -> None:
    """What is normal passes, also on a connection that is kept; attacks are refused, though the app answers in a
    `finally`, and its log knows no error."""
    for path, what in NORMAL.items():
        assert ask(app, path, what)[0] == 200
    assert "seven" in ask(app, "/read", "notes.txt")[1]
    for path, (_, what, _) in ATTACKS.items():
        status, said = ask(app, path, what)
        assert (status, "security_response_id" in said) == (403, True), (path, said)
        assert trace_of(witnessed_node, "plain-block", path, "reached")["request"]["statusCode"] == 403
    with socket.create_connection(("127.0.0.1", int(app.base.rpartition(":")[2])), 30) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /find?what=dune HTTP/1.1\r\nConnection: close\r\n\r\n")
        heard = b"".join(iter(lambda: client.recv(65536), b""))
    assert heard.count(b"HTTP/1.1 200 OK") == 2
    assert heard.endswith(b"[(7,)]")
    assert "Traceback" not in app.log.read_text()
    refused = witnessed_node.traces("--service", "plain-block")
    assert len(refused) == len(ATTACKS)
