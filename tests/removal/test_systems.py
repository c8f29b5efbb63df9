"""Other systems, played by what they lack: the agent's own tests pass, an app goes on, status() says what it lacks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Node, free_port, short_directory, wait_for
from tests.removal.processes import run

MODULES = ["test_lifecycle", "test_wsgi", "test_operations", "test_transport", "test_dbapi"]
MARKS = "requests are not marked to the kernel"
UNIX = "no Unix sockets: the collector is reached by COWITNESS_ADDRESS alone"
AUDIT = "no audit events: where requests share a thread, only what is hooked is marked"
ASYNC = "ASGI applications and asynchronous clients are not seen"


@pytest.mark.parametrize(
    ("system", "version", "lacking"),
    [
        ("windows", "2.7", {MARKS, UNIX, AUDIT, ASYNC}),
        ("windows", "3.13", {MARKS, UNIX}),
        ("macos", "3.11", {MARKS}),
        ("old", "3.8", {AUDIT, ASYNC}),
        ("unreachable", "3.6", {UNIX, AUDIT, ASYNC}),
    ],
)
def test_other_systems(system: str, version: str, lacking: set[str], tmp_path: Path) -> None:
    """Where there are no Unix sockets the tests go through TCP."""
    found = run("without", version, ROOT, system, *MODULES, packages=False)
    assert found["failed"] == []
    assert found["ran"] > 50
    answer, said, reason, problems = found["served"]
    assert (answer, problems) == ("hello", [])
    assert set(said) == lacking
    assert ("COWITNESS_ADDRESS" in reason) == (UNIX in lacking)


APP = """
import pyagent
pyagent.enable()
from tests.pyagent.support import environ
from pyagent.core import agent
def application(environ, start_response):
    start_response('200 OK', [])
    return [b'ok']
pyagent.wrap_wsgi(application)(environ('/shelf', "title=' or 1=1 --"), lambda *args: None)
pyagent.disable() if not agent.get().stream.connected else agent.get().stream.flush()
print(pyagent.status().get('last_error'), flush=True)
input()
"""


def started(node: Node, address: str, token: Path) -> subprocess.Popen[str]:
    """An app whose agent goes to `address`."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COWITNESS_RUN_DIR": "/nowhere", "COWITNESS_SERVICE": "remote"}
    variables |= {"COWITNESS_ADDRESS": address, "COWITNESS_TOKEN_FILE": str(token)}
    return subprocess.Popen([sys.executable, "-c", APP], env=variables, stdin=-1, stdout=-1, text=True)


def test_by_tcp() -> None:
    """A node that listens on loopback hears an agent that knows the token, and no other; it has no pid and no marks."""
    with short_directory() as directory:
        node, port = Node(directory), free_port()
        node.config.write_text(node.config.read_text() + f'[inspector]\nlisten = "127.0.0.1:{port}"\n')
        node.start()
        apps = []
        try:
            token = node.run_dir / "agent.token"
            assert stat.S_IMODE(token.stat().st_mode) == 0o600
            forged = directory / "forged"
            forged.write_text("0" * 64)
            apps = [started(node, f"127.0.0.1:{port}", path) for path in (token, forged)]
            for app in apps:
                assert app.stdout is not None
                app.stdout.readline()
            wait_for(node.traces, what="the trace")
            assert [trace["request"]["urlPath"] for trace in node.traces()] == ["/shelf"]
            agents = node.json("agents")
            assert [agent["process"].get("pid", 0) for agent in agents] == [0]
            assert not agents[0].get("witnessed")
            wait_for(lambda: 'reason="bad_token"' in node.metrics(), what="the count of the forged token")
        finally:
            for app in apps:
                app.communicate("\n", timeout=20)
            node.stop()
