"""The demo: it shows an attack, ends with everything it started, and finds places for its directories."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from examples import stage
from examples.children import Child, DemoError, free_port, listener
from tests.e2e.harness import BIN, ROOT, python, short_directory, wait_for


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as path:
        yield path


def demo(directory: Path, *words: str) -> list[str]:
    if not (BIN / "cowitness-run").exists():
        pytest.skip("no .venv/bin/cowitness-run: run `make setup` first")
    places = ["--run-dir", str(directory / "r"), "--state-dir", str(directory / "s")]
    return python("-m", "examples.demo", "--visits", "12", *places, *words)


def test_once(directory: Path) -> None:
    """`--once` brings out a trace as far as this machine can, shows it, and ends with 0."""
    done = subprocess.run(demo(directory, "--once"), cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-9000:] + done.stderr
    assert "7 of 7 attacks worked" in done.stdout
    assert "=== cowitness trace " in done.stdout
    assert "The probes run: " in done.stdout or "No probes here: " in done.stdout


def test_a_signal_ends_everything(directory: Path) -> None:
    """It stays up after the show; SIGTERM ends it with 0, and all its descendants with it."""
    with (directory / "out").open("w") as out:
        process = subprocess.Popen(demo(directory), cwd=ROOT, stdout=out, stderr=out)
    try:
        wait_for(
            lambda: process.poll() is not None or "ends it all" in (directory / "out").read_text(), 200, "the show"
        )
        assert process.poll() is None, (directory / "out").read_text()[-3000:]
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(family, timeout=60)  # the kernel takes its time to detach the programs
    assert left == []


def test_places_asked_for(tmp_path: Path) -> None:
    """Directories that were asked for are taken; without a state directory the store goes when the demo ends."""
    assert stage.places(Path("/a/run"), Path("/a/state"), tmp_path) == (Path("/a/run"), Path("/a/state"))
    assert stage.places(Path("/a/run"), None, tmp_path) == (Path("/a/run"), tmp_path / "state")


def test_a_run_directory_in_use(tmp_path: Path) -> None:
    """A run directory is in use exactly while a daemon holds its lock."""
    assert stage.unused(tmp_path)
    with (tmp_path / "cowitness.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not stage.unused(tmp_path)
    assert stage.unused(tmp_path)


def test_somebody_elses_directory(tmp_path: Path) -> None:
    """A directory of another user, or a link, is not ours to put sockets in."""
    (tmp_path / "link").symlink_to(tmp_path)
    assert stage.ours(tmp_path / "new")
    assert not stage.ours(tmp_path / "link")
    if os.geteuid() != 0:
        pytest.skip("needs root to give a directory away")
    os.chown(tmp_path / "new", 65534, 65534)
    assert not stage.ours(tmp_path / "new")


def test_a_child_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    """A child's early end is an error that carries its log."""
    child = Child("sh", ["sh", "-c", "echo no such luck; exit 3"], tmp_path / "log", dict(os.environ), tmp_path)
    child.process.wait(10)
    with pytest.raises(DemoError, match=r"(?s)sh ended with 3.*no such luck"):
        child.must_live()
    child.stop()


def test_stop_ends_grandchildren(tmp_path: Path) -> None:
    """Stopping a child that ignores SIGTERM ends it and what it started."""
    script = "trap '' TERM; sleep 300 & echo $! > pid; wait; wait"
    child = Child("sh", ["sh", "-c", script], tmp_path / "log", dict(os.environ), tmp_path)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"), 10, "the pid")
    grandchild = psutil.Process(int((tmp_path / "pid").read_text()))
    child.stop(seconds=0.2)
    assert not child.alive()
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 10, "its end")


def test_a_port_is_taken_at_once() -> None:
    """Two who want the same port at the same time get one each: what is said to a shop is never heard by another."""
    with listener(0) as first:
        port = first.getsockname()[1]
        with listener(port) as second:
            assert second.getsockname()[1] != port


def test_the_preferred_port_only_when_free() -> None:
    """The preferred port is taken where nobody listens, another where somebody does."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
