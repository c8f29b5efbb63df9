"""The probe process as the core has it: really started, really loaded, with a core of a few lines at the other end."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from probes import frames, kernel, vocabulary
from probes.distribution import MissingError
from probes.vocabulary import Events, KernelEvent, ProbeHello, ProbeStats

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

PRELUDE = """
import os, sys, socket, threading
def mark(number):
    try:
        os.lseek(-1, 1 << 62 | number, os.SEEK_SET)
    except OSError:
        pass
print("ready", flush=True)
sys.stdin.readline()
"""


class Core:
    """The core's end of the probe socket."""

    def __init__(self, sock: socket.socket, listener: socket.socket) -> None:
        sock.settimeout(SECONDS)
        self.listener = listener
        self.socket = sock
        self.events: list[KernelEvent] = []
        self.statistics: list[ProbeStats] = []
        self.done: dict[int, vocabulary.Done] = {}
        self.hello: ProbeHello | None = None
        self._splitter = frames.Splitter()
        self._sequence = 0

    def read(self) -> None:
        """Take in what the next read brings; AssertionError where the probes have hung up."""
        self.take(self.socket.recv(1 << 20))

    def take(self, data: bytes) -> None:
        """Take in what was read."""
        assert data, "the probes have hung up"
        for kind, sequence, body in self._splitter.feed(data):
            if kind == vocabulary.EVENTS:
                self.events += msgspec.json.decode(body, type=Events).events
            elif kind == vocabulary.PROBE_STATS:
                self.statistics.append(msgspec.json.decode(body, type=ProbeStats))
            elif kind == vocabulary.DONE:
                self.done[sequence] = msgspec.json.decode(body, type=vocabulary.Done)
            elif kind == vocabulary.PROBE_HELLO:
                self.hello = msgspec.json.decode(body, type=ProbeHello)

    def until(self, condition: Callable[[], object]) -> None:
        """Read on until it holds."""
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, [event.kind for event in self.events[-20:]]
            self.read()

    def command(self, kind: int, *pids: int, policy: str = "") -> list[int]:
        """REGISTER or UNREGISTER and wait for DONE: the pids that were unknown."""
        return self._answer(kind, vocabulary.Pids(list(pids), policy)).unknown

    def register(self, *pids: int, policy: str = "") -> list[int]:
        return self.command(vocabulary.REGISTER, *pids, policy=policy)

    def enforce(self, mode: vocabulary.Mode, *policies: vocabulary.Policy) -> str:
        """ENFORCE and wait for DONE: what could not be enforced."""
        return self._answer(vocabulary.ENFORCE, vocabulary.Enforce(mode, list(policies))).reason

    def _answer(self, kind: int, body: object) -> vocabulary.Done:
        self._sequence += 1
        self.socket.sendall(frames.encode(kind, self._sequence, body))
        self.until(lambda: self._sequence in self.done)
        return self.done[self._sequence]

    def stats(self) -> ProbeStats:
        """Statistics that come after everything that has happened by now. What was sent while nobody read waits in the
        socket: the answer to a command comes after that."""
        self.command(vocabulary.UNREGISTER)
        count = len(self.statistics) + 1
        self.until(lambda: len(self.statistics) >= count)
        return self.statistics[-1]

    def of(self, request_id: int) -> list[KernelEvent]:
        """What was received for a request."""
        return [event for event in self.events if event.request_id == f"{request_id:016x}"]


@contextlib.contextmanager
def probes(
    *flags: str, user: int | None = None, prefix: Sequence[str] = ()
) -> Iterator[tuple[Core, subprocess.Popen[bytes]]]:
    """A running probe process, greeted; `core.listener` is where it would connect again. `prefix`: what starts it."""
    with tempfile.TemporaryDirectory(prefix="cw-") as directory, socket.socket(socket.AF_UNIX) as listener:
        path = f"{directory}/probe.sock"
        os.chmod(directory, 0o755)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        listener.settimeout(180)
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "probes", "--socket", path, *flags], cwd=ROOT,
            stderr=subprocess.DEVNULL, user=user,
        )  # fmt: skip
        with process, listener.accept()[0] as sock:
            core = Core(sock, listener)
            core.until(lambda: core.hello)
            try:
                yield core, process
            finally:
                if process.poll() is None:
                    process.terminate()


def is_ours(reason: str) -> bool:
    """Whether programs do not compile, or the verifier refuses them: no excuse for skipping."""
    return any(words in reason for words in ("Failed to load BPF program", "Failed to compile"))


@contextlib.contextmanager
def programs(ring_bytes: int, cache: str = "") -> Iterator[kernel.Kernel]:
    """The programs, read by this process; a machine without BPF skips, and says why."""
    try:
        loaded = kernel.load(ring_bytes, cache=cache)
    except MissingError as error:
        if is_ours(str(error)):
            raise
        pytest.skip(f"no BPF here: {error}")
    yield loaded
    loaded.close()


class Marked:
    """A Python process that waits for `go`, to be registered before it runs `code` (which has `mark(number)`)."""

    def __init__(self, code: str, *words: str, python: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [python, "-c", PRELUDE + textwrap.dedent(code), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.pid = self.process.pid
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"  # before that, its own exec would end the registration

    def go(self) -> str:
        """Let it run to its end; what it printed."""
        out, _ = self.process.communicate(b"\n", timeout=SECONDS)
        assert self.process.returncode == 0
        return out.decode()


def run_marked(core: Core, code: str, *words: str) -> str:
    """Register a new process, run the code in it, return its output."""
    marked = Marked(code, *words)
    assert core.register(marked.pid) == []
    return marked.go()
