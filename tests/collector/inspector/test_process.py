"""What /proc tells of a process."""

from __future__ import annotations

import doctest
import os
from pathlib import Path

import pytest

from collector.inspector import process
from collector.inspector.process import Facts, Processes, container_id


def test_ourselves() -> None:
    """The executable is the link's target, and our pid is among our pids."""
    known = Processes()
    assert known.facts(os.getpid()).executable == os.readlink("/proc/self/exe")
    assert os.getpid() in known.namespace_pids(os.getpid())


def test_nobody() -> None:
    """A pid that does not exist has empty facts."""
    assert Processes().facts(1 << 30) == Facts()


@pytest.mark.parametrize(
    "cgroup",
    [
        "0::/system.slice/docker-{id}.scope",
        "12:pids:/docker/{id}\n11:cpu:/docker/{id}\n",
        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{id}.scope",
        "0::/../{id}",
    ],
)
def test_container_ids(cgroup: str) -> None:
    """The id is found in the paths of Docker, Kubernetes and nested hierarchies."""
    name = "0123456789abcdef" * 4
    assert container_id(cgroup.format(id=name)) == name


def test_no_container() -> None:
    """An ordinary service has none."""
    assert container_id("0::/system.slice/ssh.service\n") == ""


def test_pid_used_again(tmp_path: Path) -> None:
    """Facts are read anew when the process behind a pid is another one."""
    directory = tmp_path / "7"
    directory.mkdir()
    known = Processes(tmp_path)
    for started, name in ((1, "one"), (2, "two")):
        (directory / "stat").write_text(f"7 (a b) c) S {' '.join(['0'] * 18)} {started} 0")
        (directory / "cmdline").write_text(f"/usr/bin/{name}\0")
        assert known.facts(7).service == name


def test_examples() -> None:
    """The examples in the documentation hold."""
    assert doctest.testmod(process).failed == 0
