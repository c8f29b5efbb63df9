"""The probe process and its core: commands, garbage, a core that goes away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from probes import frames, vocabulary
from tests.probes.conftest import refusal
from tests.probes.support import ROOT, Core, probes, run_marked

NOBODY = 65534


def test_hello_and_statistics(core: Core) -> None:
    """The host introduces itself; statistics tell memory and what was seen by kind."""
    assert core.hello
    assert (core.hello.host_name, core.hello.kernel_release) == (os.uname().nodename, os.uname().release)
    before = core.stats().events.get("open", 0)
    run_marked(core, "mark(0x31); open('/proc/uptime').close()")
    stats = core.stats()
    assert stats.events["open"] > before
    assert 0 < stats.memory_bytes < 60 << 20


def test_unknown_pids(core: Core) -> None:
    """A process that does not exist is reported back; the others of the same command are registered."""
    assert core.register(os.getpid(), 4_000_000) == [4_000_000]
    assert core.command(vocabulary.UNREGISTER, os.getpid(), 4_000_000) == []


def test_garbage_commands(core: Core) -> None:
    """A command with a bad body or of an unknown kind is counted and the next one works."""
    for body in (b"{", b'{"pids": "x"}', b'{"pids": [1e9]}', b"[]"):
        core.socket.sendall(frames.HEADER.pack(len(body), vocabulary.REGISTER, 1, 0, 9) + body)
    core.socket.sendall(frames.encode(77, 1, {}))
    assert core.command(vocabulary.UNREGISTER, os.getpid()) == []
    dropped = core.stats().dropped
    assert (dropped["bad_command"], dropped["unknown_command"]) == (4, 1)


def test_ends_with_its_core() -> None:
    """When the core hangs up, the probes end; nothing stays behind."""
    with probes("--ring-bytes", "4096") as (core, process):
        core.socket.shutdown(socket.SHUT_RDWR)
        assert process.wait(20) == (3 if refusal(core) else 0)


@pytest.mark.parametrize("data", [b"\xff" * 64, b"\0\xff\xff\xff" * 8], ids=["version", "length"])
def test_not_our_frames(data: bytes) -> None:
    """Bytes that are no frame end the connection, not the manners: exit as if the core had gone."""
    with probes("--ring-bytes", "4096") as (core, process):
        core.socket.sendall(data)
        assert process.wait(20) == (3 if refusal(core) else 0)


def test_stays_and_comes_back() -> None:
    """With --stay a new connection is made when the core comes back; SIGTERM ends it."""
    with probes("--ring-bytes", "4096", "--stay") as (core, process):
        core.socket.shutdown(socket.SHUT_RDWR)
        with core.listener.accept()[0] as sock:
            again = Core(sock, core.listener)
            again.until(lambda: again.hello)
            assert again.register(os.getpid()) == ([os.getpid()] if refusal(core) else [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == (3 if refusal(core) else 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_rights() -> None:
    """Without root the process still greets, says why it cannot watch, and ends with 3 when the core hangs up."""
    with probes(user=NOBODY) as (core, process):
        assert "root" in refusal(core) or "tracefs" in refusal(core)
        assert core.register(os.getpid()) == [os.getpid()]
        core.socket.shutdown(socket.SHUT_RDWR)
        assert process.wait(20) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "--socket"), (["--socket", "/x", "--ring-bytes", "5000"], "power of two"), (["--nonsense"], "--socket")],
)
def test_bad_arguments(words: list[str], message: str) -> None:
    """Wrong arguments end with 2 and say which."""
    done = subprocess.run(
        [sys.executable, "-m", "probes", *words], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_no_core() -> None:
    """A socket that nobody listens on ends with 1 (3 without BPF) and names it."""
    done = subprocess.run(
        [sys.executable, "-m", "probes", "--socket", "/nowhere/probe.sock", "--ring-bytes", "4096"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 3)
    assert "/nowhere/probe.sock: No such file or directory" in done.stderr
