"""Who a process is: identity, ancestry, unit and container, in bounded memory."""

from __future__ import annotations

import doctest
import os
from pathlib import Path
from typing import Any

import pytest

from probes import lineage
from probes.lineage import Lineage
from probes.vocabulary import Ancestor, KernelEvent

TICK = lineage.TICK
DOCKER = "0::/system.slice/docker-" + "ab" * 32 + ".scope\n"


def process(proc: Path, pid: int, parent: int, ticks: int, cgroup: str = "0::/\n", comm: str = "sh") -> None:
    """A process as /proc shows it; a name may hold blanks and brackets."""
    (proc / str(pid)).mkdir(exist_ok=True)
    (proc / str(pid) / "stat").write_text(f"{pid} ({comm}) S {parent} " + "0 " * 17 + f"{ticks} 0\n")
    (proc / str(pid) / "cgroup").write_text(cgroup)


def event(kind: Any, pid: int, **fields: Any) -> KernelEvent:
    return KernelEvent(kind, 0, pid, pid, **fields)


def test_ancestors_unit_and_container(tmp_path: Path) -> None:
    """A child that /proc never showed has its ancestors, and the container and unit of its service."""
    process(tmp_path, 1, 0, 1)
    process(tmp_path, 50, 1, 100, DOCKER + "1:name=systemd:/system.slice/shop.service\n", "gun) (icorn")
    known = Lineage(0, tmp_path)
    known.complete(event("fork", 50, child_pid=60, process_start=100 * TICK))
    told = known.complete(event("exec", 60, parent_pid=50, process_start=999, comm="sh"))
    assert told.ancestors == (Ancestor(50, 100 * TICK, "gun) (icorn"), Ancestor(1, TICK, "sh"))
    assert (told.container_id, told.unit) == ("ab" * 32, "shop.service")
    known.complete(event("fork", 60, child_pid=61, process_start=999))
    deeper = known.complete(event("exec", 61, parent_pid=60, process_start=1000))
    assert [one.pid for one in deeper.ancestors] == [60, 50, 1]
    assert deeper.unit == "shop.service"


def test_a_number_that_comes_again(tmp_path: Path) -> None:
    """A process with the pid of an earlier one inherits nothing from it, also where the end of that was missed."""
    process(tmp_path, 50, 1, 100, DOCKER)
    known = Lineage(0, tmp_path)
    assert known.known(50, 100 * TICK).container_id
    process(tmp_path, 50, 7, 500)
    assert known.known(50, 500 * TICK + 1) == lineage.Known(7, 500 * TICK + 1, "sh")
    known.complete(event("exit", 50))
    (tmp_path / "50" / "stat").unlink()
    assert known.parent(50) == 0


def test_circles_and_depth(tmp_path: Path) -> None:
    """Parents in a circle, or very many of them, end the list."""
    for pid in range(100, 150):
        process(tmp_path, pid, pid - 1 if pid > 100 else 149, 100)
    assert len(list(Lineage(0, tmp_path).ancestors(149))) == lineage.MAX_ANCESTORS
    process(tmp_path, 7, 8, 1)
    process(tmp_path, 8, 7, 1)
    assert [one.pid for one in Lineage(0, tmp_path).ancestors(7)] == [7, 8]


def test_bounded(tmp_path: Path) -> None:
    """A storm of processes leaves the newest; the service that is used stays."""
    process(tmp_path, 50, 1, 100)
    known = Lineage(0, tmp_path, limit=100)
    for pid in range(1000, 4000):
        known.complete(event("fork", 50, child_pid=pid, process_start=100 * TICK))
        assert known.complete(event("exec", pid, parent_pid=50, process_start=pid)).ancestors[0].pid == 50
    assert len(known) == 100


def test_this_process() -> None:
    """The real /proc: our parent is known, and we are found at the start."""
    known = Lineage()
    assert known.learn() > 0
    assert known.parent(os.getpid()) == os.getppid()


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (DOCKER, "ab" * 32),
        ("12:pids:/docker/" + "cd" * 32 + "\n0::/\n", "cd" * 32),
        ("0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-" + "0f" * 32 + ".scope", "0f" * 32),
        ("0::/kubepods.slice/crio-" + "0f" * 32 + ".scope", "0f" * 32),
        ("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + "12" * 32 + ".scope", "12" * 32),
        ("4:memory:/ecs/cluster/" + "34" * 16 + "-1234567890", "34" * 16 + "-1234567890"),
        ("0::/system.slice/shop.service", ""), ("", ""),
    ],
)  # fmt: skip
def test_containers(cgroup: str, container: str) -> None:
    """Docker, containerd, CRI-O, podman and Amazon ECS on cgroup v1 and v2."""
    assert lineage.container_id(cgroup) == container


def test_examples() -> None:
    """The examples in the documentation hold."""
    assert doctest.testmod(lineage).failed == 0
