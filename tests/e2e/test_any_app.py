"""Any Flask app, written on the spot, attacked: both witnesses end up on one record."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, free_port, running_app, wait_for, watched

APP = textwrap.dedent("""
    import subprocess
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/ping")
    def ping():
        return subprocess.check_output("echo -c1 " + request.args["host"], shell=True)

    @app.route("/")
    def index():
        return "ok"
""")
SERVERS = {
    "flask run": (1, "flask --app victim run --port {port}"),
    "gunicorn sync": (3, "gunicorn -w 3 -b 127.0.0.1:{port} victim:app"),
    "gunicorn threads": (2, "gunicorn -w 2 -k gthread --threads 8 -b 127.0.0.1:{port} victim:app"),
    "gunicorn preload": (2, "gunicorn --preload -w 2 -b 127.0.0.1:{port} victim:app"),
}
"""Processes that serve, and the command."""

ATTACK = "/ping?host=x%3Bcat+/proc/version"


def execs(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in trace["kernelEvents"] if event["kind"] == "exec"]


def attack(app: App, node: Node, service: str, processes: int) -> dict[str, Any]:
    """Attack once, when all processes are watched; the confirmed trace once both sh and cat are on it."""
    wait_for(lambda: watched(app, node, service, processes), 120, f"{processes} watched processes")
    status, body = app.get(ATTACK)
    assert status == 200
    assert b"Linux version" in body

    def found() -> dict[str, Any] | None:
        for trace in node.traces("--verdict", "confirmed", "--service", service):
            if len(execs(trace)) >= 2 and trace["request"]["statusCode"]:  # its end is told, too
                return trace
        return None

    return wait_for(found, 60, f"a confirmed trace of {service}: {node.traces()}")


@pytest.mark.parametrize("server", SERVERS)
def test_command_injection_is_confirmed(witnessed_node: Node, tmp_path: Path, server: str) -> None:
    """The confirmed trace names request, parameter, rule, statement, and the kernel's exec of sh and cat."""
    (tmp_path / "victim.py").write_text(APP)
    port, service = free_port(), "victim-" + server.replace(" ", "-")
    processes, command = SERVERS[server]
    words = command.format(port=port).split()
    with running_app(witnessed_node, words, port, tmp_path, COWITNESS_SERVICE=service) as app:
        trace = attack(app, witnessed_node, service, processes)
    request = trace["request"]
    assert (request["method"], request["urlPath"], request["route"]) == ("GET", "/ping", "/ping")
    assert request["process"]["serviceName"] == service
    by_stage = {
        finding["stage"]: finding for finding in trace["findings"] if finding["category"] == "command_injection"
    }
    assert set(by_stage) >= {"VERDICT_ATTEMPTED", "VERDICT_REACHED", "VERDICT_CONFIRMED"}
    assert {(f["location"], f["parameter"]) for f in by_stage.values()} == {("query", "host")}
    assert by_stage["VERDICT_REACHED"]["statement"] == "echo -c1 x;cat /proc/version"
    shell, cat = execs(trace)[:2]
    assert shell["argv"][1:] == ["-c", "echo -c1 x;cat /proc/version"]
    assert cat["argv"] == ["cat", "/proc/version"]
    assert {shell["attribution"], cat["attribution"]} == {"ATTRIBUTION_INHERITED"}
    assert cat["parentPid"] == shell["pid"]
    assert shell["parentPid"] == request["process"]["pid"]
    assert cat["executablePath"].endswith("/cat")


def test_a_harmless_command_gives_no_trace(witnessed_node: Node, tmp_path: Path) -> None:
    """A request whose parameter is one plain word in a command is nobody's attack."""
    (tmp_path / "victim.py").write_text(APP)
    port = free_port()
    processes, command = SERVERS["gunicorn sync"]
    words = command.format(port=port).split()
    with running_app(witnessed_node, words, port, tmp_path, COWITNESS_SERVICE="harmless") as app:
        for _ in range(20):
            assert app.get("/ping?host=127.0.0.1")[0] == 200
        attack(app, witnessed_node, "harmless", processes)
    assert len(witnessed_node.traces("--service", "harmless")) == 1
