"""How the core's children are started: inspectors around the shared agent socket, and the probe process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from collector.core import link
from collector.core.inspectors import Inspectors
from collector.core.probe_source import ProbeSource
from collector.core.supervisor import Plan
from collector.settings import ProbeSettings

NO_BPF = 3
"""Exit code of the probes where this host does not let them watch: trying again would change nothing."""

log = structlog.get_logger()


class InspectorStarter:
    """Starts inspector `number`, and again. `setup` is what each one is told first."""

    def __init__(
        self, listener: socket.socket, tcp: socket.socket | None, inspectors: Inspectors, setup: link.Setup,
        counts: int | None = None,
    ) -> None:  # fmt: skip
        self._counts = counts
        self._listener, self._tcp, self._inspectors, self._setup = listener, tcp, inspectors, setup
        self._tasks: set[asyncio.Task[None]] = set()

    def plan(self, number: int) -> Plan:
        return Plan(f"inspector-{number}", lambda: self._spawn(number), lambda code: True)

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        """Start a process with the agent socket and one end of a socket pair."""
        ours, theirs = socket.socketpair()
        with theirs:
            passed = [self._listener.fileno(), theirs.fileno()]
            words = ["--fd", str(passed[0]), "--link", str(passed[1])]
            if self._tcp is not None:
                passed.append(self._tcp.fileno())
                words += ["--tcp", str(passed[2])]
            if self._counts is not None:
                passed.append(self._counts)
                words += ["--counts", str(self._counts)]
            try:
                child = run_module("collector.inspector.main", words, passed)
            except OSError:
                ours.close()
                raise
        task = asyncio.get_running_loop().create_task(self._greet(number, ours))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return child

    async def _greet(self, number: int, ours: socket.socket) -> None:
        ours.setblocking(False)
        attached = self._inspectors.attach(number)
        await asyncio.get_running_loop().create_unix_connection(lambda: attached, sock=ours)
        attached.tell(link.SETUP, self._setup)
        self._inspectors.tell_policy(attached)


class ProbeStarter:
    """Starts the probe process. `off` says why there is none for good; empty while there is hope."""

    def __init__(self, socket_path: Path, settings: ProbeSettings, source: ProbeSource) -> None:
        self._words = ["--socket", str(socket_path), "--ring-bytes", str(settings.ring_bytes)]
        self._words += ["--cache", settings.cache_dir]
        for path in settings.sensitive_paths:
            self._words += ["--sensitive-path", path]
        self._source = source
        self.off = ""

    def plan(self) -> Plan:
        return Plan("probes", self._spawn, self._ended, first_pause=0.5, last_pause=30.0)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return run_module("probes", self._words, ())

    def _ended(self, code: int) -> bool:
        self._source.met.set()
        if code != NO_BPF:
            return True
        self.off = self._source.refusal or "this host does not let the probes watch (the log says more)"
        log.warning("no kernel probes", reason=self.off)
        return False


def run_module(name: str, words: Sequence[str], passed: Sequence[int]) -> subprocess.Popen[bytes]:
    """`python -P -m NAME WORDS`: this interpreter, nothing imported from the working directory, a session of its own
    (which the kernel gives its share of the processor, see collector.priority). Raises OSError."""
    command = [sys.executable, "-P", "-m", name, *words]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, pass_fds=passed, env=environment(), start_new_session=True
    )


def environment() -> dict[str, str]:
    """Ours, without what would make a child an app under the agent."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COWITNESS_")}
