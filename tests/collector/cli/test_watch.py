"""`cowitness watch` as a process, against a server that publishes."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

from collector.model import Verdict
from tests.collector.api.node import served
from tests.collector.cli.conftest import Shell
from tests.collector.records import confirmed, login, trace


def watching(shell: Shell, *words: str) -> subprocess.Popen[str]:
    """The running command, once it says that it watches."""
    running = shell.start("watch", *words)
    assert running.stderr is not None
    assert "watching" in running.stderr.readline()
    return running


def finished(running: subprocess.Popen[str]) -> tuple[str, str, int]:
    out, err = running.communicate(timeout=20)
    return out, err, running.returncode


def test_traces_and_logins_as_they_come(shell: Shell) -> None:
    """Both kinds are printed as the API's watch responses, those that the filters want, until the limit."""
    running = watching(shell, "--json", "--limit", "2", "--verdict", "reached")
    shell.node.put([trace(1)])
    shell.node.put([trace(2, Verdict.REACHED)], [login(7)])
    out, err, code = finished(running)
    documents: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    ids = {document.get("attackTrace", document.get("loginEvent"))["id"] for document in documents}
    assert ids == {trace(2).id, login(7).id}
    assert [document["missed"] for document in documents] == ["0", "0"]
    assert (err, code) == ("", 0)


def test_lines_for_people(shell: Shell) -> None:
    """A trace is a line with verdict, id and request."""
    running = watching(shell, "--limit", "1")
    shell.node.put([confirmed()])
    said = " ".join(finished(running)[0].split())
    for word in ("confirmed", confirmed().id, "command_injection", "GET /ping"):
        assert word in said


def test_the_end_of_the_collector() -> None:
    """When the collector goes, the command says so and ends with 3."""
    with served() as node:
        running = watching(Shell(node))
    out, err, code = finished(running)
    assert (out, code) == ("", 3)
    assert "has ended" in err
    assert len(err.splitlines()) == 1


def test_interrupt(shell: Shell) -> None:
    """Ctrl-C is the ordinary end: quiet, exit code 0, and the watcher's place is free again."""
    running = watching(shell)
    running.send_signal(signal.SIGINT)
    assert finished(running) == ("", "", 0)
