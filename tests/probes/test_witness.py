"""The probe process and its core: commands, garbage, a core that goes away."""

from __future__ import annotations

import ctypes.util
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from probes import frames, privileges, vocabulary
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
        assert process.wait(60) == (3 if refusal(core) else 0)


@pytest.mark.parametrize("data", [b"\xff" * 64, b"\0\xff\xff\xff" * 8], ids=["version", "length"])
def test_not_our_frames(data: bytes) -> None:
    """Bytes that are no frame end the connection, not the manners: exit as if the core had gone."""
    with probes("--ring-bytes", "4096") as (core, process):
        core.socket.sendall(data)
        assert process.wait(60) == (3 if refusal(core) else 0)


def test_stays_and_comes_back() -> None:
    """With --stay a new connection is made when the core comes back; SIGTERM ends it."""
    with probes("--ring-bytes", "4096", "--stay") as (core, process):
        core.socket.shutdown(socket.SHUT_RDWR)
        with core.listener.accept()[0] as sock:
            again = Core(sock, core.listener)
            again.until(lambda: again.hello)
            assert again.register(os.getpid()) == ([os.getpid()] if refusal(core) else [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == (3 if refusal(core) else 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_rights() -> None:
    """Without root the process still greets, says why it cannot watch, and ends with 3 when the core hangs up."""
    with probes(user=NOBODY) as (core, process):
        assert "root" in refusal(core) or "tracefs" in refusal(core)
        assert core.register(os.getpid()) == [os.getpid()]
        core.socket.shutdown(socket.SHUT_RDWR)
        assert process.wait(60) == 3


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_rights_are_given_up(core: Core) -> None:
    """Once loaded, the process holds only what it names, can gain nothing, and its calls are filtered; it still works:
    the other tests run against the same process."""
    assert core.hello
    now = status(core.hello.pid)
    allowed = sum(1 << privileges.CAPABILITIES[name] for name in privileges.KEPT)
    assert [int(now[name], 16) & ~allowed for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [0] * 4
    assert now["NoNewPrivs"] == "1"
    if ctypes.util.find_library("seccomp"):
        assert now["Seccomp"] == "2"


FILTERED = """
import os, socket, sys
from probes import privileges
if left_out := privileges.filter_calls():
    sys.exit(left_out)
refused = []
for name, deed in {
    "exec": lambda: os.execv("/bin/true", ["true"]), "fork": os.fork, "network": lambda: socket.socket(socket.AF_INET),
    "write": lambda: open(sys.argv[1], "w"), "kill": lambda: os.kill(os.getppid(), 0),
    "unlink": lambda: os.unlink("/x"),
}.items():
    try:
        deed()
    except PermissionError:
        refused.append(name)
socket.socket(socket.AF_UNIX); open("/proc/self/stat").read(); os.listdir("/proc/self")
print(*refused)
"""


def test_the_filter(tmp_path: Path) -> None:
    """Programs, processes, networks, and files to write are refused; local sockets and reading go on."""
    if not ctypes.util.find_library("seccomp"):
        pytest.skip("libseccomp is not installed")
    done = subprocess.run(
        [sys.executable, "-c", FILTERED, tmp_path / "new"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["exec", "fork", "network", "write", "kill", "unlink"], done.stderr


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


def holder_of(core: Core) -> int:
    """The process that holds the programs' attachments."""
    assert core.hello
    pid = core.hello.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_nothing_stays_attached_after_a_kill() -> None:
    """kill -9 of the probe process ends the holder, and with it every attachment."""
    with probes("--ring-bytes", "4096") as (core, process):
        if reason := refusal(core):
            pytest.skip(f"no BPF here: {reason}")
        gone = os.pidfd_open(holder_of(core))
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
        assert select.select([gone], [], [], 60)[0], "the holder is still there"
        os.close(gone)


def test_ends_when_nothing_is_attached_any_more() -> None:
    """Without the holder nothing is watched: the probe process says so by ending, and is started again by its core."""
    with probes("--ring-bytes", "4096", "--stay") as (core, process):
        if reason := refusal(core):
            pytest.skip(f"no BPF here: {reason}")
        os.kill(holder_of(core), signal.SIGKILL)
        assert process.wait(60) == 1


def test_a_stranger_for_a_core() -> None:
    """No command is taken from a socket that another user (not root) listens on."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666);"
        "s.listen(); print(flush=True); s.settimeout(120); s.accept()[0].recv(1)"
    )
    with tempfile.TemporaryDirectory(prefix="cw-") as directory:
        os.chmod(directory, 0o777)
        path = f"{directory}/probe.sock"
        stranger = subprocess.Popen([sys.executable, "-c", code, path], user=NOBODY, stdout=subprocess.PIPE)
        with stranger:
            assert stranger.stdout
            stranger.stdout.readline()
            done = subprocess.run(
                [sys.executable, "-m", "probes", "--socket", path, "--ring-bytes", "4096"],
                cwd=ROOT, capture_output=True, text=True, timeout=200,
            )  # fmt: skip
            assert done.returncode in (1, 3)
            assert "is not the collector's" in done.stderr
