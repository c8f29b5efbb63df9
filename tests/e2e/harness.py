"""A real node and real apps for the end-to-end tests: everything is started through the commands that people use."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
T = TypeVar("T")
NOT_YET = "the probes have not connected yet"  # collector/core/probe_source.py


def free_port() -> int:
    """A loopback TCP port that nobody listens on right now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(probe: Callable[[], T], seconds: float = 20.0, what: str = "the condition") -> T:
    """Poll until `probe` returns something true; raises AssertionError with the last value otherwise."""
    end = time.monotonic() + seconds
    value = probe()
    while not value:
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s; last seen: {value!r}"
        time.sleep(0.05)
        value = probe()
    return value


class Node:
    """A running `cowitness up` with its own run and state directories."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self.run_dir, self.state_dir = directory / "run", directory / "state"
        self.metrics_port = free_port()
        self.config = directory / "cowitness.toml"
        self.config.write_text(f'[metrics]\nlisten = "127.0.0.1:{self.metrics_port}"\n')
        self.log = directory / "node.log"
        self.flags = flags
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Node:
        """Start the daemon and wait until its API answers."""
        command = [BIN / "cowitness", "up", "--run-dir", self.run_dir, "--state-dir", self.state_dir]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command), "--config", str(self.config), *self.flags],
                stdout=log, stderr=log, cwd="/", start_new_session=True,
            )  # fmt: skip
        wait_for(self.answers, 90, f"the node's API (log: {self.log.read_text()[-2000:]})")
        return self

    def answers(self) -> bool:
        """Whether `cowitness agents` succeeds; fails at once when the daemon has ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        return self._asked("agents") is not None

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `cowitness WORDS` against this node. Every one of them only looks: where no answer came in time, the
        host may have had no time for the node, and one more try says."""
        done = self.ask(*words)
        if check and "did not answer within" in done.stderr:
            done = self.ask(*words)
        said = self.log.read_text()[-4000:] if self.log.exists() else ""
        assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}\nthe node's log:\n{said}"
        return done

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "cowitness"), *words], env=self.environment(), capture_output=True, text=True, timeout=120
        )

    def json(self, *words: str) -> list[dict[str, Any]]:
        """The documents that `cowitness WORDS --json` prints. The command runs in this process, as nothing is asked
        more often, and by itself only to say what is wrong."""
        found = self._asked(*words)
        text = self.cli(*words, "--json").stdout if found is None else found
        return [json.loads(line) for line in text.splitlines()]

    def _asked(self, *words: str) -> str | None:
        """What the command prints; None where it fails."""
        from typer.testing import CliRunner  # programs under other interpreters use this module, too

        from collector.cli.main import app

        done = CliRunner().invoke(app, [*words, "--json"], env={"COWITNESS_RUN_DIR": str(self.run_dir)})
        return done.stdout if done.exit_code == 0 else None

    def traces(self, *words: str) -> list[dict[str, Any]]:
        return self.json("traces", "--limit", "100000", *words)

    def logins(self, *words: str) -> list[dict[str, Any]]:
        return self.json("logins", "--limit", "100000", *words)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "COWITNESS_RUN_DIR": str(self.run_dir)}

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def children(self) -> list[int]:
        """Pids of the daemon's direct children."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def family(self) -> list[int]:
        """The daemon's pid and those of its children."""
        assert self.process is not None
        return [self.process.pid, *self.children()]

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM and wait; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def witnesses(self) -> bool:
        """Whether the probes run on this machine; waits until they do or have said why not."""
        return self.unwitnessed() == ""

    def unwitnessed(self) -> str:
        """Why the probes do not run; empty where they do."""

        def settled() -> list[dict[str, Any]]:
            return [host for host in self.json("hosts") if host.get("probesReason") != NOT_YET]

        host = wait_for(settled, 120, "word from the probes")[0]
        return "" if host["probesRunning"] else str(host["probesReason"])


class App:
    """A web app under a real server, started with `cowitness-run` (or without, for comparison)."""

    def __init__(
        self, node: Node | None, command: list[str], port: int, cwd: Path, host: str = "127.0.0.1", **environment: str
    ) -> None:
        self.base = f"http://{host}:{port}"
        prefix = [str(BIN / "cowitness-run")] if node else []
        env = node.environment() if node else dict(os.environ)
        env.update({"PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{BIN}:{os.environ['PATH']}"}, **environment)
        self.log = cwd / f"app-{port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                prefix + command, cwd=cwd, env=env, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, path: str = "/", seconds: float = 30) -> App:
        """Wait until the server answers at all."""
        wait_for(lambda: self.up(path), seconds, f"the app ({self.log.read_text()[-2000:]})")
        return self

    def up(self, path: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        with contextlib.suppress(OSError):
            return self.get(path)[0] > 0
        return False

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body; an HTTP error is an answer, not an exception."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.answer(urllib.request.Request(self.base + path, headers=named))

    def answer(self, request: urllib.request.Request) -> tuple[int, bytes]:
        """Status and body of what was asked."""
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> None:
        """End the server and the workers of its own session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


def watched(app: App, node: Node, service: str, agents: int) -> bool:
    """Whether the kernel side watches every process of a service, of which there are to be so many. A worker is
    registered by its first request, and on a busy machine its next ones may come before that is done. Gunicorn's master
    is an agent, too."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(app.get, ["/"] * 64))
    found = [one for one in node.json("agents") if one["process"]["serviceName"] == service and one["connected"]]
    return len(found) >= agents and all(one["witnessed"] for one in found)


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for socket names (107 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="cw-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running_node(*flags: str) -> Iterator[Node]:
    """A node for one test or module."""
    with short_directory() as directory:
        node = Node(directory, *flags).start()
        try:
            yield node
        finally:
            if node.process and node.process.poll() is None:
                node.stop()


@contextlib.contextmanager
def running_app(
    node: Node | None, command: list[str], port: int, cwd: Path, host: str = "127.0.0.1", **environment: str
) -> Iterator[App]:
    app = App(node, command, port, cwd, host, **environment)
    try:
        yield app.wait()
    finally:
        app.stop()


def python(*words: str) -> list[str]:
    """A command of the project's own interpreter."""
    return [sys.executable, *words]
