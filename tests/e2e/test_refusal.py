"""What stopped requests are answered with, and what is left undone: real servers, a real node, block mode."""

from __future__ import annotations

import http.client
import json
import socket
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.harness import BIN, App, Node, free_port, running_app, short_directory, wait_for

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
DJANGO = textwrap.dedent("""
    import subprocess
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {
            "ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db", "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    )
    django.setup()

    from django.contrib.auth.models import Group
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    caught = []

    def run(request):
        Group.objects.create(name=request.GET["name"])
        request.session["seen"] = request.GET["name"]
        try:
            subprocess.call("echo " + request.GET["words"], shell=True)
        except Exception as error:
            caught.append(str(error))
        return HttpResponse("done")

    def stream(request):
        def parts():
            yield b"first"
            subprocess.call("echo " + request.GET["words"], shell=True)
            yield b"last"
        return StreamingHttpResponse(parts())

    def state(request):
        return JsonResponse({
            "groups": sorted(Group.objects.values_list("name", flat=True)), "seen": request.session.get("seen"),
            "caught": caught})

    urlpatterns = [path("run", run), path("state", state), path("stream", stream)]
    call_command("migrate", verbosity=0)
    application = get_wsgi_application()
""")
FLASK = textwrap.dedent("""
    import subprocess
    from flask import Flask, request

    application = Flask(__name__)

    @application.route("/run")
    def run():
        subprocess.call("echo " + request.args["words"], shell=True)
        return "done"

    @application.route("/state")
    def state():
        return "ok"
""")


@contextmanager
def serving(code: str, config: str, tmp: Path) -> Iterator[tuple[Node, App]]:
    """An app in block mode under gunicorn, and its node, which is configured so."""
    if not (BIN / "cowitness").exists():
        pytest.skip("no .venv/bin/cowitness: run `make setup` first")
    with short_directory() as directory:
        node = Node(directory)
        node.config.write_text(node.config.read_text() + config)
        (tmp / "refusing.py").write_text(code)
        port = free_port()
        words = [str(BIN / "gunicorn"), "-k", "gthread", "-w", "1", "--threads", "2", "-b", f"127.0.0.1:{port}"]
        block = {"COWITNESS_MODE": "block", "COWITNESS_DEADLINE_MS": "5000", "COWITNESS_SERVICE": "refusing"}
        try:
            node.start()
            with running_app(node, [*words, "refusing:application"], port, tmp, **block) as app:
                assert app.get("/state")[0] == 200
                yield node, app
        finally:
            node.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, App]]:
    with serving(DJANGO, "", tmp_path_factory.mktemp("django")) as both:
        yield both


def asked(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


def client(app: App) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(app.base.partition("//")[2], timeout=60))


def evil(marker: Path) -> str:
    return quote(f"x;touch {marker}")


def trace_of(node: Node, response_id: str) -> dict[str, Any]:
    """The trace that `cowitness trace ID` shows, once the request's end stands in it."""

    def found() -> dict[str, Any]:
        done = node.ask("trace", response_id, "--json")
        trace: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return trace if trace.get("request", {}).get("statusCode") else {}

    return wait_for(found, 60, f"the trace {response_id}")


def test_django(shop: tuple[Node, App], tmp_path: Path) -> None:
    """A refusal within a view: no effect, no row, no session, not caught by the app; the id leads to the trace, and the
    connection and the worker go on."""
    node, app = shop
    with client(app) as connection:
        answer, body = asked(connection, f"/run?name=stopped&words={evil(tmp_path / 'ran')}")
        assert (answer.status, answer.headers["Content-Type"]) == (403, "application/json")
        assert (answer.headers["Cache-Control"], answer.headers["Content-Length"]) == ("no-store", str(len(body)))
        assert answer.headers["Set-Cookie"] is None
        answered = json.loads(body)
        assert answered["errors"][0]["title"] == "You've been blocked"
        kept = connection.sock
        assert kept is not None
        _, state = asked(connection, "/state")
        assert connection.sock is kept
        assert json.loads(state) == {"groups": [], "seen": None, "caught": []}
    assert not (tmp_path / "ran").exists()
    trace = trace_of(node, answered["security_response_id"])
    assert (trace["request"]["statusCode"], trace["action"]) == (403, "ACTION_BLOCKED")
    assert "Traceback" not in app.log.read_text()


def test_accept_and_head(shop: tuple[Node, App], tmp_path: Path) -> None:
    """A browser gets the page; HEAD gets its headers without a body, and the connection goes on."""
    _, app = shop
    path = f"/run?name=stopped&words={evil(tmp_path / 'ran')}"
    with client(app) as connection:
        answer, body = asked(connection, path, Accept=BROWSER)
        assert (answer.status, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
        assert b"<h1>You've been blocked</h1>" in body
        answer, body = asked(connection, path, "HEAD", Accept=BROWSER)
        assert (answer.status, body, int(answer.headers["Content-Length"]) > 100) == (403, b"", True)
        assert asked(connection, "/state")[0].status == 200


def test_session_that_was_there(shop: tuple[Node, App], tmp_path: Path) -> None:
    """What a session held before stays as it was."""
    _, app = shop
    with client(app) as connection:
        answer, body = asked(connection, "/run?name=first&words=plain")
        assert (answer.status, body) == (200, b"done")
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert asked(connection, f"/run?name=x&words={evil(tmp_path / 'ran')}", Cookie=cookie)[0].status == 403
        state = json.loads(asked(connection, "/state", Cookie=cookie)[1])
        assert (state["seen"], "x" in state["groups"]) == ("first", False)


def test_answer_that_had_begun(shop: tuple[Node, App], tmp_path: Path) -> None:
    """After the first part no page follows: the connection ends without the end of the answer."""
    _, app = shop
    host, port = app.base.partition("//")[2].split(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        words = evil(tmp_path / "ran")
        connection.sendall(f"GET /stream?words={words} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"first" in heard
    assert not any(word in heard for word in (b"blocked", b"last", b"\r\n0\r\n\r\n"))
    assert not (tmp_path / "ran").exists()


def test_template_and_status(tmp_path: Path) -> None:
    """A page and a status of one's own."""
    (tmp_path / "page.html").write_text("<p>Sorry: [security_response_id]</p>")
    config = f'\n[response]\nstatus = 451\nhtml_template = "{tmp_path}/page.html"\n'
    with serving(FLASK, config, tmp_path) as (node, app), client(app) as connection:
        answer, body = asked(connection, f"/run?words={evil(tmp_path / 'ran')}", Accept=BROWSER)
        assert (answer.status, body[:10]) == (451, b"<p>Sorry: ")
        assert trace_of(node, body[10:26].decode())["request"]["statusCode"] == 451
    assert not (tmp_path / "ran").exists()


def test_redirect(tmp_path: Path) -> None:
    """Clients are sent elsewhere, with the id."""
    config = '\n[response]\nredirect_location = "/sorry?id=[security_response_id]"\nredirect_status = 302\n'
    with serving(FLASK, config, tmp_path) as (node, app), client(app) as connection:
        answer, body = asked(connection, f"/run?words={evil(tmp_path / 'ran')}", Accept=BROWSER)
        assert (answer.status, body, answer.headers["Cache-Control"]) == (302, b"", "no-store")
        path, _, response_id = answer.headers["Location"].partition("?id=")
        assert path == "/sorry"
        assert trace_of(node, response_id)["action"] == "ACTION_BLOCKED"
    assert not (tmp_path / "ran").exists()
