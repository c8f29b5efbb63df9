"""The app goes on whatever happens to the collector, and nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import App, Node, free_port, running_app, short_directory, wait_for

APP = textwrap.dedent("""
    import sqlite3
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/search")
    def search():
        db = sqlite3.connect(":memory:")
        return str(db.execute("select '" + request.args["q"] + "'").fetchall())

    @app.route("/")
    def index():
        return "ok"
""")
ATTACK = "/search?q=x'+union+select+'a"


class Load:
    """Ordinary and attacking requests in turn, until stopped; keeps what came back and how long it took."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.statuses: list[int] = []
        self.seconds: list[float] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.stopping.is_set():
            before = time.monotonic()
            self.statuses.append(self.app.get(ATTACK if len(self.statuses) % 2 else "/search?q=plain")[0])
            self.seconds.append(time.monotonic() - before)

    def more(self, count: int = 100) -> None:
        """Wait until `count` more requests have been answered."""
        goal = len(self.statuses) + count
        wait_for(lambda: len(self.statuses) >= goal, 60, f"{goal} answers")


@contextlib.contextmanager
def loaded(app: App) -> Iterator[Load]:
    load = Load(app)
    load.thread.start()
    try:
        yield load
    finally:
        load.stopping.set()
        load.thread.join(60)


@contextlib.contextmanager
def victim(node: Node, directory: Path, **environment: str) -> Iterator[App]:
    (directory / "victim.py").write_text(APP)
    port = free_port()
    command = f"gunicorn -w 1 -k gthread --threads 4 -b 127.0.0.1:{port} victim:app".split()
    with running_app(node, command, port, directory, COWITNESS_SERVICE="victim", **environment) as app:
        yield app


@pytest.fixture
def lone_node() -> Iterator[Node]:
    """A node of this test's own, not yet started: it is going to be mistreated."""
    with short_directory() as directory:
        node = Node(directory)
        try:
            yield node
        finally:
            if node.process and node.process.poll() is None:
                os.kill(node.process.pid, signal.SIGCONT)
                node.stop()


def connected(node: Node) -> list[str]:
    """The services of the agents that are connected."""
    return [agent["process"]["serviceName"] for agent in node.json("agents") if agent["connected"]]


@pytest.mark.parametrize("mode", ["monitor", "block"])
def test_absent_collector(lone_node: Node, tmp_path: Path, mode: str) -> None:
    """Without any collector every request is answered; once one starts, the agent appears by itself."""
    with victim(lone_node, tmp_path, COWITNESS_MODE=mode) as app, loaded(app) as load:
        load.more(200)
        assert set(load.statuses) == {200}
        lone_node.start()
        load.more(10)
        wait_for(lambda: lone_node.json("agents"), what="the agent")
    assert set(load.statuses) <= ({200, 403} if mode == "block" else {200})


def test_killed_in_mid_load_loses_nothing_acknowledged(lone_node: Node, tmp_path: Path) -> None:
    """kill -9 and restart under load: every answer is 200, what was visible before is there after, new traces come."""
    lone_node.start()
    with victim(lone_node, tmp_path) as app, loaded(app) as load:
        load.more(200)
        wait_for(lambda: lone_node.traces(), 60, "the first traces")
        before = {trace["id"] for trace in lone_node.traces()}
        lone_node.kill()
        load.more(100)
        lone_node.start()
        wait_for(lambda: {t["id"] for t in lone_node.traces()} - before, 60, "traces after the restart")
        agents = wait_for(lambda: connected(lone_node), what="the agents")
        assert agents in (["victim"], ["victim"] * 2)  # the worker, and gunicorn's master once it looked around
    assert set(load.statuses) == {200}
    after = {trace["id"] for trace in lone_node.traces()}
    assert before <= after


@pytest.mark.parametrize("mode", ["monitor", "block"])
def test_hung_collector(lone_node: Node, tmp_path: Path, mode: str) -> None:
    """With every process of the collector stopped (SIGSTOP), requests are answered within the verdict deadline."""
    lone_node.start()
    with victim(lone_node, tmp_path, COWITNESS_MODE=mode) as app, loaded(app) as load:
        load.more(100)
        family = lone_node.family()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            hung_from = len(load.seconds)
            load.more(300)
            hung = load.seconds[hung_from:]
        finally:
            for pid in family:
                os.kill(pid, signal.SIGCONT)
        load.more(50)
    expected = {200} if mode == "monitor" else {200, 403}
    assert set(load.statuses) <= expected
    # Two verdicts at most (request and statement) of 20 ms each, and a generous share for a busy machine.
    assert statistics.median(hung) < 0.2
    assert set(load.statuses[hung_from + 5 : hung_from + 290]) == {200}


def test_full_socket_does_not_stop_the_app(lone_node: Node, tmp_path: Path) -> None:
    """A listener that accepts and never reads fills the socket: every request is answered all the same."""
    lone_node.run_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(lone_node.run_dir / "agent.sock"))
        deaf.listen(8)
        with victim(lone_node, tmp_path) as app, loaded(app) as load:
            load.more(1500)
    assert set(load.statuses) == {200}
