"""What was executed, hashed when asked: programs that still run, that are still there, that are not any more."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cowitness.v1 import cowitness_pb2 as pb

from collector.cli import executables
from collector.cli.executables import Executable, hashed
from collector.cli.failure import WRONG
from tests.collector.cli.conftest import Shell
from tests.collector.records import confirmed

SLEEP = shutil.which("sleep") or "/bin/sleep"


def event(path: str, pid: int = 0, comm: str = "", **fields: object) -> pb.KernelEvent:
    """An execution that has just been."""
    found = pb.KernelEvent(kind="exec", executable_path=path, pid=pid, comm=comm, **fields)  # type: ignore[arg-type]
    found.time.FromNanoseconds(time.time_ns())
    found.process_creation_time.FromNanoseconds(time.time_ns())
    return found


def one(found: pb.KernelEvent) -> Executable:
    (told,) = hashed([found])
    return told


def sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running copy of a program."""
    shutil.copy(SLEEP, tmp_path / "sleeper")
    with subprocess.Popen([tmp_path / "sleeper", "600"]) as process:
        yield process
        process.kill()


def test_a_program_that_runs(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """It is the process's own file, though another stands at the path meanwhile, or none."""
    path = tmp_path / "sleeper"
    found = event(str(path), sleeper.pid, "sleeper")
    wanted = Executable(str(path), sleeper.pid, sha256(SLEEP), path.stat().st_size, "running")
    assert one(found) == wanted
    path.unlink()
    assert one(found) == wanted


def test_a_process_of_the_same_number(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """One that began at another time, or that executes something else now, says nothing of the program."""
    path = str(tmp_path / "sleeper")
    earlier, other = event(path, sleeper.pid, "sleeper", nameless=True), event(path, sleeper.pid, "sh", nameless=True)
    earlier.process_creation_time.FromNanoseconds(time.time_ns() - 10**11)
    assert {one(found).problem for found in (earlier, other)} == {"it had no file, and runs no more"}


def test_a_program_without_a_file() -> None:
    """A memfd is hashed as long as it runs."""
    code = """
import os, sys
memory = os.memfd_create("payload", 0)
os.write(memory, open(sys.argv[1], "rb").read())
os.execve(memory, ["payload", "600"], {})
"""
    with subprocess.Popen([sys.executable, "-c", code, SLEEP]) as process:
        try:
            comm = Path(f"/proc/{process.pid}/comm")
            while Path(f"/proc/{process.pid}/exe").readlink().name != "memfd:payload (deleted)":
                os.sched_yield()
            found = event("/dev/fd/3", process.pid, comm.read_text().strip(), nameless=True, target="memfd:payload")
            assert (one(found).path, one(found).sha256, one(found).which) == ("memfd:payload", sha256(SLEEP), "running")
        finally:
            process.kill()


def test_a_file_that_changed(tmp_path: Path) -> None:
    """What has been written, or put in its place, since the execution says so."""
    path = tmp_path / "script"
    path.write_text("#!/bin/sh\n")
    found = event(str(path))
    assert (one(found).sha256, one(found).which) == (sha256(path), "untouched")
    path.write_text("#!/bin/sh\n#")
    assert (one(found).sha256, one(found).which) == (sha256(path), "changed")


@pytest.mark.parametrize("kind", ["gone", "directory", "fifo", "large", "container", "relative"])
def test_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Files that are gone, no files, too large, or a container's, give the reason, and hang nothing."""
    path = tmp_path / kind
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "large":
        monkeypatch.setattr(executables, "MAX_BYTES", 5 << 20)
        with path.open("wb") as file:
            file.truncate((5 << 20) + 1)
    told = one(event(kind if kind == "relative" else str(path), container_id="c" if kind == "container" else ""))
    assert told.sha256 == ""
    assert told.problem == {
        "gone": "No such file or directory", "directory": "it is no file", "fifo": "it is no file",
        "large": "it has more than 5 MiB", "container": "it was a container's, and runs no more",
        "relative": "nobody knows in which directory it was",
    }[kind]  # fmt: skip


def test_another_host(shell: Shell) -> None:
    """Files of another host are not looked for on this one."""
    shell.node.put([confirmed()])
    done = shell.run("executables", "00000000ab")
    assert (done.returncode, done.stderr) == (WRONG, "cowitness: this happened on box: ask there\n")


def test_no_time(tmp_path: Path) -> None:
    """A file that is known is told though the time is over; one that is not says so."""
    clock = iter((0.0, 1.0, 99.0))
    (tmp_path / "other").write_text("x")
    events = [event(SLEEP), event(SLEEP), event(str(tmp_path / "other"))]
    told = list(hashed(events, lambda: next(clock)))
    assert [bool(each.sha256) for each in told] == [True, True, False]
    assert told[2].problem == "there was no time for it: 20 s are over"
