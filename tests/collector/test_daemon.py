"""The core process as a whole: start, both witnesses on one record, crashes of its parts, the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.collector.support import Agent, Daemon, attack_record, new_id, running_daemon, wait_for

VALUE = "x;cat /proc/version"
STATEMENT = "echo -c1 " + VALUE
NO_PROBES = {"probes": {"enabled": False}}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(**NO_PROBES) as running:
        yield running


@pytest.fixture(scope="module")
def witness() -> Iterator[Daemon]:
    """A daemon whose probes run."""
    with running_daemon() as running:
        wait_for(lambda: running.host().probes_running or running.host().capabilities, 20, "the probes' word")
        if not running.host().probes_running:
            pytest.skip(f"no probes on this machine: {running.host().probes_reason}")
        yield running


@contextlib.contextmanager
def marked(request_id: str) -> Iterator[None]:
    """What runs in here is marked with the request, as an agent does it."""
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        for value in (1 << 62 | int(request_id, 16), 1 << 62):
            with contextlib.suppress(OSError):
                os.lseek(null, value, os.SEEK_SET)
            if value != 1 << 62:
                yield
    finally:
        os.close(null)


def test_reached_without_probes(daemon: Daemon) -> None:
    """An acknowledged attack is readable by the API: reached, unwitnessed, with the agent's service."""
    request_id = new_id()
    with Agent(daemon.agent_socket) as agent:
        assert agent.welcome["witnessed"] is False
        agent.batch(attack_record(request_id, STATEMENT, VALUE))
    trace = daemon.trace(request_id)
    assert trace.verdict == 2
    assert trace.unwitnessed
    assert trace.request.process.pid == os.getpid()
    assert trace.request.process.service_name == "fake"
    assert {finding.category for finding in trace.findings} == {"command_injection"}


def test_confirmed_with_probes(witness: Daemon) -> None:
    """A registered process that marks itself and runs the reached command gets a confirmed trace with sh and cat."""
    request_id = new_id()
    with Agent(witness.agent_socket) as agent:
        wait_for(lambda: any(one.witnessed for one in witness.agents()), 10, "the registration")
        with marked(request_id):
            subprocess.run(STATEMENT, shell=True, check=True, stdout=subprocess.DEVNULL)
        agent.batch(attack_record(request_id, STATEMENT, VALUE))
        trace = wait_for(lambda: witness.trace(request_id) if len(execs(witness, request_id)) > 1 else None, 10, "cat")
    assert trace.verdict == 3
    assert not trace.unwitnessed
    assert [list(event.argv)[-1] for event in trace.kernel_events if event.evidence] == [STATEMENT, "/proc/version"]
    assert 3 in {finding.stage for finding in trace.findings}


def execs(daemon: Daemon, request_id: str) -> list[str]:
    return [event.executable_path for event in daemon.trace(request_id).kernel_events if event.kind == "exec"]


def test_same_batch_twice(daemon: Daemon) -> None:
    """A batch that is sent again changes nothing."""
    record = attack_record(new_id(), STATEMENT, VALUE)
    with Agent(daemon.agent_socket) as agent:
        agent.batch(record)
        before = daemon.trace(record["request_id"])
        agent.batch(record)
    assert daemon.trace(record["request_id"]) == before


def test_killed_inspector_comes_back() -> None:
    """When an inspector is killed another one takes its place, and a new connection is served."""
    with running_daemon(inspector={"workers": 1}, **NO_PROBES) as daemon:
        agent = Agent(daemon.agent_socket)
        (inspector,) = daemon.children()
        os.kill(inspector, signal.SIGKILL)
        with pytest.raises((EOFError, ConnectionError)):
            agent.read()
        wait_for(lambda: set(daemon.children()) - {inspector}, 10, "a new inspector")
        request_id = new_id()
        with Agent(daemon.agent_socket) as agent:
            agent.batch(attack_record(request_id, STATEMENT, VALUE))
        assert daemon.trace(request_id).verdict == 2


def test_killed_core_loses_nothing_acknowledged() -> None:
    """What was acknowledged before SIGKILL is there after the restart; a batch sent again leaves it as it was."""
    with running_daemon(**NO_PROBES) as daemon:
        record = attack_record(new_id(), STATEMENT, VALUE)
        with Agent(daemon.agent_socket) as agent:
            agent.batch(record)
        before = daemon.trace(record["request_id"])
        children = daemon.children()
        assert daemon.process is not None
        daemon.process.kill()
        daemon.process.wait(10)
        wait_for(lambda: not any(map(alive, children)), 10, "the children's end")
        daemon.start()
        assert daemon.trace(record["request_id"]) == before
        with Agent(daemon.agent_socket) as agent:
            agent.batch(record)
        assert daemon.trace(record["request_id"]) == before


def test_clean_end() -> None:
    """SIGTERM ends with 0; no child and no socket is left."""
    with running_daemon() as daemon:
        children = daemon.children()
        assert len(children) >= 2
        assert daemon.stop() == 0
        assert not any(map(alive, children))
        assert sorted(path.name for path in daemon.run_dir.iterdir()) == ["cowitness.lock"]


def test_second_daemon(daemon: Daemon) -> None:
    """A second daemon on the same run directory names the first one's pid, and the first goes on."""
    assert daemon.process is not None
    second = daemon.launch()
    assert second.wait(20) == 1
    assert f"(pid {daemon.process.pid})" in daemon.log.read_text()
    assert daemon.host().host_name


def test_memory(daemon: Daemon) -> None:
    """The core is resident with less than 70 MiB, an inspector with less than 50 MiB."""
    assert daemon.process is not None
    assert psutil.Process(daemon.process.pid).memory_info().rss < 70 << 20
    assert max(psutil.Process(pid).memory_info().rss for pid in daemon.children()) < 50 << 20


def test_socket_modes(daemon: Daemon) -> None:
    """Every user may talk to the agent socket, only ours to the probe socket, our group to the API."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in daemon.run_dir.glob("*.sock")}
    assert modes == {"agent.sock": 0o666, "probe.sock": 0o600, "api.sock": 0o660}
    assert daemon.run_dir.stat().st_mode & 0o777 == 0o755


def alive(pid: int) -> bool:
    """Running, and not just waiting to be reaped by somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
