"""Probes and collectors that are killed, switched off, unloaded: nothing stays, nothing is enforced, all comes back."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes import syscalls
from tests.e2e.harness import App, Node, wait_for
from tests.e2e.test_enforcement import app, blocked, inner, ruled  # noqa: F401 - fixtures

PROG_GET_FD_BY_ID = 13
FREE, STOPPED = (200, b"0"), (200, b"-9")


def probes_of(node: Node) -> int:
    """The pid of its probe process."""
    words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in node.children()}
    return next(pid for pid, line in words.items() if b"probes" in line)


def described(pid: int, key: str) -> set[str]:
    """What the kernel says under this key of the descriptors of a process."""
    lines = [line for path in Path(f"/proc/{pid}/fdinfo").iterdir() for line in path.read_text().splitlines()]
    return {line.split()[1] for line in lines if line.startswith(f"{key}:")}


def loaded(programs: set[str]) -> Iterator[str]:
    """Those of the programs (by the kernel's numbers) that there still are."""
    for one in programs:
        try:
            os.close(syscalls._bpf(PROG_GET_FD_BY_ID, struct.pack("=III", int(one), 0, 0)))
        except OSError:
            continue
        yield one


def shell(app: App) -> tuple[int, bytes]:  # noqa: F811
    return app.get("/run?words=x")


def reaches(app: App, port: int) -> bool:  # noqa: F811
    return b"[Errno 1]" not in app.get(f"/fetch?url=http://127.0.0.1:{port}/")[1]


@pytest.mark.parametrize("victims", ["probes", "collector", "both"])
def test_killed(ruled: Node, app: App, inner: int, victims: str) -> None:  # noqa: F811
    """kill -9: every program leaves the kernel, the app is free, and goes on; the probes come back by themselves, and
    with a collector that is started again: enforcing as before, and witnessing."""
    wait_for(lambda: shell(app) == STOPPED, 60, "the policy")
    assert not reaches(app, inner)
    pid = probes_of(ruled)
    programs = described(pid, "prog_id")
    assert set(loaded(programs)) == programs != set()
    if victims != "collector":
        os.kill(pid, signal.SIGKILL)
    if victims != "probes":
        ruled.kill()
    wait_for(lambda: not list(loaded(programs)), 60, "the end of the programs")
    if victims != "probes":
        assert shell(app) == FREE
        assert reaches(app, inner)
        ruled.start()
    wait_for(lambda: shell(app) == STOPPED, 60, "the policy again")
    assert not reaches(app, inner)
    before = {trace["id"] for trace in ruled.traces("--service", "ruled")}
    assert shell(app) == STOPPED
    wait_for(lambda: {trace["id"] for trace in ruled.traces("--service", "ruled")} - before, 60, "a new trace")
    blocked(ruled, "/run")


def test_off_and_unloaded(ruled: Node, app: App, inner: int) -> None:  # noqa: F811
    """Switched off, the programs of connections are not attached; ended, no program is there any more, and the app is
    free; started again, all is as it was."""
    wait_for(lambda: shell(app) == STOPPED, 60, "the policy")
    pid = probes_of(ruled)
    assert "cgroup" in described(pid, "link_type")
    ruled.cli("enforce", "off")
    assert described(pid, "link_type") == set()
    assert shell(app) == FREE
    assert reaches(app, inner)
    ruled.cli("enforce", "enforce")
    assert shell(app) == STOPPED
    programs = described(pid, "prog_id")
    assert ruled.stop() == 0
    wait_for(lambda: not list(loaded(programs)), 60, "the end of the programs")
    assert shell(app) == FREE
    assert reaches(app, inner)
    ruled.start()
    wait_for(lambda: shell(app) == STOPPED, 60, "the policy again")
