"""What a service normally does, end to end: learnt from a real app, and the attack that no rule knows."""

from __future__ import annotations

import signal
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import BIN, ROOT, App, Node, free_port, python, running_app, short_directory, wait_for

SHOPS = {"flask": "examples.bookshop_flask:app", "django": "examples.bookshop_django.wsgi:application"}
SETTINGS = """
[behaviour]
learn_requests = 120
"""
APP = textwrap.dedent("""
    import socket, subprocess, tempfile, time
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/")
    def index():
        return "ok"

    @app.route("/thumbnail")
    def thumbnail():
        subprocess.run(["/usr/bin/env", "true"], check=True)
        with open(f"uploads/{time.time_ns()}.jpg", "w") as file:
            file.write("x")
        with tempfile.NamedTemporaryFile() as file:
            pass
        return "done"

    @app.route("/plugin")
    def plugin():
        what = request.headers["X-What"]
        if what == "program":
            subprocess.run(["/usr/bin/id"], stdout=subprocess.DEVNULL)
        elif what == "new":
            subprocess.run(["/usr/bin/uname"], stdout=subprocess.DEVNULL)
        elif what == "destination":
            with socket.socket() as client:
                client.connect_ex(("127.0.0.1", int(request.headers["X-Port"])))
        elif what == "write":
            with open("plugin.py", "w") as file:
                file.write("x")
        elif what == "read":
            with open("/etc/shadow") as file:
                file.read()
        return "ok"
""")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    if not (BIN / "cowitness").exists():
        pytest.skip("no .venv/bin/cowitness: run `make setup` first")
    with short_directory() as directory:
        node = Node(directory)
        node.config.write_text(node.config.read_text() + SETTINGS)
        try:
            node.start()
            if reason := node.unwitnessed():
                pytest.skip(f"no probes on this machine: {reason}")
            yield node
        finally:
            node.stop()


def serving(node: Node, directory: Path, version: str) -> Any:
    port = free_port()
    command = [str(BIN / "gunicorn"), "-w", "1", "--threads", "2", "-b", f"127.0.0.1:{port}", "thumbs:app"]
    names = {"COWITNESS_SERVICE": "thumbs", "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version}"}
    return running_app(node, command, port, directory, **names)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("thumbs")
    (found / "uploads").mkdir()
    (found / "thumbs.py").write_text(APP)
    return found


@pytest.fixture(scope="module")
def app(node: Node, directory: Path) -> Iterator[App]:
    """Version 1, learnt."""
    with serving(node, directory, "1") as app:
        wait_for(lambda: any(a["witnessed"] and a["connected"] for a in node.json("agents")), 30, "a watched agent")
        for _ in range(130):
            assert app.get("/thumbnail") == (200, b"done")
        wait_for(lambda: versions(node).get("1"), 60, "the end of learning")
        yield app


def known(node: Node, service: str = "thumbs") -> dict[str, Any]:
    return node.json("behaviour", "show", service)[0]


def versions(node: Node, service: str = "thumbs") -> dict[str, bool]:
    """Whether each version is learnt."""
    return {one["serviceVersion"]: bool(one.get("learntTime")) for one in known(node, service)["versions"]}


def unusual(node: Node, service: str = "thumbs") -> dict[tuple[str, str], dict[str, Any]]:
    """The trace of each first-seen thing, by rule and name."""
    traces = node.traces("--service", service, "--category", "unusual_behaviour")
    return {(one["ruleId"], one["parameter"]): trace for trace in traces for one in trace["findings"]}


def test_the_unknown_attack(node: Node, app: App) -> None:
    """After learning, the usual is no news, even in new names; a program, a destination, a write and a read that are
    first seen in a request are confirmed, each with its kernel event, though no rule matched."""
    for _ in range(20):
        app.get("/thumbnail")
    for what in ("program", "destination", "write", "read"):
        assert app.get("/plugin", X_What=what, X_Port="4444") == (200, b"ok")
    found = wait_for(lambda: len(unusual(node)) >= 5 and unusual(node), 30, "five findings")
    assert sorted(found) == [
        ("behaviour-connect", "127.0.0.1:4444"), ("behaviour-exec", "/usr/bin/id"),
        ("behaviour-path", "read /etc/passwd"),  # id(1) does
        ("behaviour-path", "read /etc/shadow"), ("behaviour-path", "write plugin.py"),
    ]  # fmt: skip
    assert {trace["verdict"] for trace in found.values()} == {"VERDICT_CONFIRMED"}
    name = found["behaviour-exec", "/usr/bin/id"]["id"]
    wait_for(lambda: node.json("trace", name)[0]["request"]["urlPath"] == "/plugin", 30, "the agent's word")
    (trace,) = node.json("trace", name)
    event = next(event for event in trace["kernelEvents"] if event["evidence"])
    assert (event["kind"], event["executablePath"]) == ("exec", "/usr/bin/id")
    assert trace["request"]["process"]["serviceVersion"] == "1"


def test_export(node: Node, app: App, tmp_path: Path) -> None:
    """What is known as a policy that a daemon takes; a service that nobody knows is an error."""
    text = node.cli("behaviour", "export", "thumbs").stdout
    assert '"/usr/bin/env"' in text
    (tmp_path / "policy.toml").write_text(text)
    assert 'name = "thumbs"' in node.cli("config", "--config", str(tmp_path / "policy.toml")).stdout
    wrong = node.cli("behaviour", "show", "nobody", check=False)
    assert (wrong.returncode, "nobody" in wrong.stderr) == (4, True)


def test_a_restart_and_a_new_version(node: Node, app: App, directory: Path) -> None:
    """A daemon that is started again goes on watching; a deploy of another version is learnt first, and says so."""
    before = known(node)
    assert any(path.startswith("write uploads/") for path in before["paths"])
    assert node.stop() == 0
    node.start()
    assert known(node)["programs"] == before["programs"]
    with serving(node, directory, "2") as newer:

        def told() -> bool:
            newer.get("/plugin", X_What="new")  # again, until its worker is watched
            return "/usr/bin/uname" in known(node)["programs"]

        wait_for(told, 60, "the new version's program")
        assert versions(node) == {"1": True, "2": False}
        assert "being learnt" in node.cli("behaviour", "show", "thumbs").stdout


def test_forgetting(node: Node, app: App) -> None:
    """A service that is forgotten is learnt anew."""
    node.cli("behaviour", "forget", "thumbs")
    assert not any(versions(node).values())
    assert known(node)["programs"] == []


@pytest.mark.parametrize("shop", SHOPS)
def test_visitors_are_never_unusual(node: Node, tmp_path: Path, shop: str) -> None:
    """A bookshop that has learnt from some visitors finds nothing unusual in others, its workers new ones meanwhile."""
    port = free_port()
    command = f"gunicorn -w 2 -k gthread --threads 4 --chdir {ROOT} -b 127.0.0.1:{port} {SHOPS[shop]}".split()
    with running_app(node, command, port, tmp_path, COWITNESS_SERVICE=shop, BOOKSHOP_DATA=str(tmp_path)) as app:

        def visit() -> None:
            done = subprocess.run(
                python("-m", "examples.visitors", app.base, "--count", "200"),
                cwd=ROOT, capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr

        visit()
        wait_for(lambda: all(versions(node, shop).values()), 60, "the end of learning")
        before = {one["process"]["pid"] for one in node.json("agents") if one["connected"]}
        app.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(pids(node, shop) - before) >= 2, 60, "new workers")
        visit()
        app.get("/search?q=%27+union+select+1,2,3--")
        wait_for(lambda: node.traces("--service", shop), 60, "the one attack that ends the visit")
        assert unusual(node, shop) == {}


def pids(node: Node, service: str) -> set[int]:
    """The service's processes that the kernel side watches."""
    agents = [one for one in node.json("agents") if one["connected"] and one["witnessed"]]
    return {one["process"]["pid"] for one in agents if one["process"]["serviceName"] == service}
