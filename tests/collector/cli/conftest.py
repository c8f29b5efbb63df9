"""Commands as people run them: a subprocess against a real API server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.collector.api.node import Served, served

COMMAND = [sys.executable, "-c", "from collector.cli.main import main; main()"]


class Shell:
    """Runs `cowitness WORDS` with the server's run directory in the environment, 80 columns wide."""

    def __init__(self, node: Served) -> None:
        self.node = node
        self.environment = {**os.environ, "COWITNESS_RUN_DIR": str(node.run_dir), "COLUMNS": "80"}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The finished command."""
        environment = {**self.environment, **more}
        return subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, timeout=60)

    def out(self, *words: str, **more: str) -> str:
        """Standard output of a command that succeeds."""
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> list[dict[str, Any]]:
        """The documents that `cowitness WORDS --json` prints."""
        return [json.loads(line) for line in self.out(*words, "--json").splitlines()]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The running command. It hears Ctrl-C, also where whoever started these tests does not (a shell's `&`)."""
        return subprocess.Popen(
            [*COMMAND, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip


@pytest.fixture
def shell() -> Iterator[Shell]:
    with served() as node:
        yield Shell(node)
