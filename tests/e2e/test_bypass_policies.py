"""Ways around every Python hook under a policy: stopped before their effect, 200 of 200 each, or told as such."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import BIN, App, Node, short_directory, wait_for, watched
from tests.e2e.test_bypass import bypassing, without_compiler

POLICIES = """
[floods]
traces_per_second = 100000
source_traces_per_second = 100000
refusals_in_full = 100000
repeats_in_full = 100000

[[enforcement.policies]]
name = "stop"
service = "stopped"
mode = "enforce"
execute = "none"
connect = "no-private"

[[enforcement.policies]]
name = "look"
service = "looked-at"
mode = "observe"
execute = "none"
connect = "no-private"
"""
EXECUTIONS, CONNECTIONS = ("execve", "spawn", "extension", "memfd", "daemon"), ("shell", "uring")


class Listener:
    """A listening socket on loopback that counts who comes, and hangs up."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.came = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            self.came += 1
            client.close()


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node with the policies, that keeps every trace."""
    if not (BIN / "cowitness").exists():
        pytest.skip("no .venv/bin/cowitness: run `make setup` first")
    with short_directory() as directory:
        one = Node(directory)
        one.config.write_text(one.config.read_text() + POLICIES)
        try:
            one.start()
            if reason := one.unwitnessed():
                pytest.skip(f"no probes on this machine: {reason}")
            yield one
        finally:
            one.stop()


@pytest.fixture(scope="module", params=["stopped", "looked-at"])
def app(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with bypassing(node, tmp_path_factory.mktemp(request.param), request.param) as app:
        wait_for(lambda: watched(app, node, request.param, 2), 60, "both workers to be watched")
        app.service = request.param  # type: ignore[attr-defined]
        yield app


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.socket.shutdown(socket.SHUT_RDWR)
    one.socket.close()


def decided(node: Node, service: str, path: str) -> Counter[tuple[bool, str]]:
    """Requests to the path by what a policy decided in them: enforced, and the finding's action."""
    counts: Counter[tuple[bool, str]] = Counter()
    for trace in node.traces("--service", service):
        if trace["request"].get("urlPath") != path:
            continue
        enforced = {event["enforced"] for event in trace["kernelEvents"] if event["kind"] == "decision"}
        actions = {one["action"] for one in trace["findings"] if one["category"] == "policy_violation"}
        counts.update((each, action) for each in enforced for action in actions)
    return counts


@pytest.mark.parametrize("way", EXECUTIONS + CONNECTIONS)
def test_every_way(node: Node, app: App, listener: Listener, tmp_path: Path, way: str) -> None:
    """Enforced, not one of 200 has its effect, and each request has a trace that says it was blocked; observed, all
    have theirs, and each trace says what would have been."""
    service: str = app.service  # type: ignore[attr-defined]
    stops, count = service == "stopped", 200 if service == "stopped" else 7
    if way in ("extension", "uring") and without_compiler(app.log.parent):
        pytest.skip("no compiler here, or no headers of Python")
    for number in range(count):
        status, body = app.get(f"/{way}?port={listener.port}&make={tmp_path}/{number}")
        if body == b"-38":
            pytest.skip("no io_uring here")
        assert status == 200
    wanted = {(True, "ACTION_BLOCKED"): count} if stops else {(False, "ACTION_MONITORED"): count}
    wait_for(lambda: decided(node, service, f"/{way}") == wanted, 60, f"{count} traces of {way}")
    effects = listener.came if way in CONNECTIONS else len(list(tmp_path.iterdir()))
    assert effects == (0 if stops else count)
