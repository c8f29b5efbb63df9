"""Policies of the configuration, end to end: an attack that is stopped in the kernel, and the switch."""

from __future__ import annotations

import socket
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import BIN, App, Node, free_port, running_app, short_directory, wait_for

POLICIES = """
[[enforcement.policies]]
name = "shop-kernel"
service = "ruled"
mode = "enforce"
execute = "no-shells"
connect = "no-private"
deny_read = ["/etc/gshadow"]
"""
APP = textwrap.dedent("""
    import queue, socket, subprocess, threading
    from flask import Flask, request

    app = Flask(__name__)
    asked, told = queue.Queue(), queue.Queue()

    def reach(port):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError as error:
            return f"errno {error.errno}"
        return "reached"

    def outside():
        while True:
            told.put(reach(asked.get()))

    @app.route("/")
    def index():
        return "ok"

    @app.route("/fetch")
    def fetch():
        import urllib.request
        try:
            return urllib.request.urlopen(request.args["url"], timeout=5).read()
        except OSError as error:
            return str(error)

    @app.route("/outside")
    def by_another_thread():
        asked.put(int(request.args["port"]))
        return told.get(timeout=10)

    @app.route("/cat")
    def cat():
        return str(subprocess.run(["/bin/cat", request.args["path"]], stdout=subprocess.DEVNULL).returncode)

    @app.route("/run")
    def run():
        return str(subprocess.run("echo " + request.args["words"], shell=True).returncode)

    threading.Thread(target=outside, daemon=True).start()
""")


@pytest.fixture(scope="module")
def ruled() -> Iterator[Node]:
    """A node with a policy."""
    if not (BIN / "cowitness").exists():
        pytest.skip("no .venv/bin/cowitness: run `make setup` first")
    with short_directory() as directory:
        node = Node(directory)
        node.config.write_text(node.config.read_text() + POLICIES)
        try:
            node.start()
            if reason := node.unwitnessed():
                pytest.skip(f"no probes on this machine: {reason}")
            yield node
        finally:
            node.stop()


@pytest.fixture(scope="module")
def app(ruled: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    directory = tmp_path_factory.mktemp("ruled")
    (directory / "ruled.py").write_text(APP)
    port = free_port()
    command = [str(BIN / "gunicorn"), "-w", "1", "--threads", "4", "-b", f"127.0.0.1:{port}", "ruled:app"]
    with running_app(ruled, command, port, directory, COWITNESS_SERVICE="ruled") as app:
        wait_for(lambda: any(one["witnessed"] for one in ruled.json("agents")), 20, "a watched agent")
        yield app


@pytest.fixture
def inner() -> Iterator[int]:
    """A service on loopback that nobody from outside should reach."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                with client:
                    client.sendall(b"HTTP/1.0 200 OK\r\n\r\nsecret")

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def watched(node: Node) -> set[int]:
    return {one["process"]["pid"] for one in node.json("agents") if one["witnessed"] and one["connected"]}


def blocked(node: Node, path: str, action: str = "ACTION_BLOCKED") -> dict[str, Any]:
    """The trace of the request to this path with a policy's finding, once the agent's word stands in it."""

    def found() -> dict[str, Any]:
        mine = [t for t in node.traces("--service", "ruled") if t["request"].get("urlPath") == path]
        wanted = ("policy_violation", action)
        denied = [t for t in mine if wanted in [(one["category"], one["action"]) for one in t["findings"]]]
        return denied[0] if denied else {}

    return wait_for(found, 30, f"a trace of {path} with {action}")


def test_a_forged_request_is_stopped_and_the_request_goes_on(ruled: Node, app: App, inner: int) -> None:
    """The connect of the request fails with EPERM, the same one outside of a request works; the trace says so."""
    status, body = app.get(f"/fetch?url=http://127.0.0.1:{inner}/")
    assert (status, b"Errno 1" in body) == (200, True)
    assert app.get(f"/outside?port={inner}") == (200, b"reached")
    trace = blocked(ruled, "/fetch")
    (event,) = [event for event in trace["kernelEvents"] if event["kind"] == "decision"]
    assert (event["policy"], event["enforced"], event["peer"]["port"]) == ("shop-kernel", True, inner)
    assert trace["verdict"] != "VERDICT_CONFIRMED"
    assert "blocked in the kernel by shop-kernel" in ruled.cli("trace", trace["id"]).stdout.replace("\n", " ")


def test_a_file_that_nobody_may_read(ruled: Node, app: App) -> None:
    """A child that opens it does not come to read, through a link, too; another file is free; the trace says so."""
    assert app.get("/cat?path=/etc/hostname") == (200, b"0")
    status, code = app.get("/cat?path=/proc/self/root/etc/../etc/gshadow")
    assert (status, code) in ((200, b"-9"), (200, b"1"))  # by the signal, or with EPERM
    trace = blocked(ruled, "/cat")
    (event,) = [event for event in trace["kernelEvents"] if event["kind"] == "decision"]
    assert (event["policy"], event["enforced"], event["path"], event["operation"]) == (
        "shop-kernel", True, "/etc/gshadow", "open",
    )  # fmt: skip
    assert trace["verdict"] != "VERDICT_CONFIRMED"
    shown = " ".join(ruled.cli("enforce").stdout.split())
    assert "-r /etc/gshadow" in shown


def test_the_switch(ruled: Node, app: App, tmp_path: Path) -> None:
    """A shell dies before its first command; `enforce off` lets it live at once, `observe` only tells, `enforce` is
    back."""
    path = f"/run?words=x;touch%20{tmp_path}/"
    assert app.get(path + "1") == (200, b"-9")
    blocked(ruled, "/run")
    assert ruled.json("enforce", "off")[0]["mode"] == "off"
    assert app.get(path + "2") == (200, b"0")
    ruled.cli("enforce", "observe")
    assert app.get(path + "3") == (200, b"0")
    blocked(ruled, "/run", "ACTION_MONITORED")
    ruled.cli("enforce", "enforce")
    assert app.get(path + "4") == (200, b"-9")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["2", "3"]


def test_what_was_switched_off_stays_off(ruled: Node, app: App) -> None:
    """A daemon that is started again, and probes that are killed, do not bring back what was turned off."""
    ruled.cli("enforce", "off")
    assert app.get("/run?words=x") == (200, b"0")
    before = watched(ruled)
    ruled.kill()
    ruled.start()
    (shown,) = ruled.json("enforce")
    assert (shown["mode"], [one["name"] for one in shown["policies"]]) == ("off", ["shop-kernel"])
    wait_for(lambda: watched(ruled) >= before, 60, "the same processes to be watched")
    assert app.get("/run?words=x") == (200, b"0")
    assert ruled.json("enforce", "enforce")[0]["reason"] == ""
    assert app.get("/run?words=x") == (200, b"-9")
    assert "shop-kernel" in ruled.cli("enforce").stdout
