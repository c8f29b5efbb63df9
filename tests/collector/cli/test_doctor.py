"""`cowitness doctor`: what it says of a host, a node, and its agents."""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path

from collector.cli import doctor
from collector.cli.doctor import Check
from collector.inventory import Agent, Capability, Hook, Host
from collector.model import Process
from tests.collector.api.node import Served
from tests.collector.cli.conftest import Shell

RUNNING = {"memory.inspectors": 1 << 20}


def examined(run_dir: Path) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(run_dir)}


def sound(node: Served) -> None:
    """Make the node one that lacks nothing."""
    node.view.host_list = [
        Host("box", probes_running=True, kernel_release="6.1", counters=RUNNING, collector_version="1")
    ]
    node.view.agent_list = [Agent(Process(pid=7, service="shop"), connected=True, witnessed=True)]
    (node.run_dir / "agent.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(node.run_dir / "agent.sock"))


def test_a_sound_node(shell: Shell) -> None:
    """Nothing fails, and the exit code is 0; every check of the list is there."""
    sound(shell.node)
    done = shell.run("doctor", "--json")
    checks = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0
    assert {"python", "bpf", "tracefs", "bcc", "agent.sock", "api.sock", "daemon", "probes", "agents"} <= set(checks)
    node = ("agent.sock", "api.sock", "daemon", "probes", "agents")
    assert {checks[name]["state"] for name in node} == {"ok"}


def test_no_daemon() -> None:
    """Without a daemon its sockets and the daemon fail, each with what to do, and so does the command."""
    with tempfile.TemporaryDirectory(prefix="cw-") as directory:
        checks = examined(Path(directory))
    for name in ("agent.sock", "api.sock", "daemon"):
        assert checks[name].state == "fail"
        assert directory in checks[name].reason
        assert "cowitness up" in checks[name].todo


def test_exit_code_for_people(shell: Shell) -> None:
    """A failing check makes the exit code 1; the table shows state, reason and advice."""
    done = shell.run("doctor")
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "fail agent.sock" in said
    assert "-> cowitness up" in said


def test_agents_without_witness_and_with_failed_hooks(shell: Shell) -> None:
    """Each such agent is named with its pid; those that are gone are not."""
    sound(shell.node)
    hooks = (Hook("sqlite3.connect", "installed"), Hook("os.system", "failed", "replaced"))
    shell.node.view.agent_list = [
        Agent(Process(pid=7, service="shop"), connected=True, hooks=hooks), Agent(Process(pid=8, service="gone")),
    ]  # fmt: skip
    found = [check for check in doctor.examine(shell.node.run_dir) if check.name == "shop (7)"]
    assert [check.state for check in found] == ["warn", "warn"]
    assert "does not watch" in found[0].reason
    assert "os.system failed: replaced" in found[1].reason
    assert not any("gone" in check.name for check in doctor.examine(shell.node.run_dir))


def test_probes_drops_and_inspectors(shell: Shell) -> None:
    """Why the probes do not run, what was dropped, and that nobody hears the agents."""
    sound(shell.node)
    counters = {"dropped.pipeline.kernel_queue_full": 1500, "dropped.probes.ring_full": 0}
    capabilities = (Capability("root", False, "uid 1000"), Capability("tracefs", True))
    shell.node.view.host_list = [Host("box", probes_reason="no rights", capabilities=capabilities, counters=counters)]
    shell.node.view.agent_list = []
    checks = examined(shell.node.run_dir)
    assert (checks["probes"].state, checks["probes"].reason) == ("warn", "no rights")
    assert checks["probes: root"].reason == "uid 1000"
    assert "probes: tracefs" not in checks
    assert checks["drops"].reason == "dropped since the start: pipeline.kernel_queue_full 1,500"
    assert checks["inspectors"].state == "fail"
    assert checks["agents"].state == "warn"


def test_something_else_at_the_socket(shell: Shell) -> None:
    """A file where a socket should be is told apart."""
    sound(shell.node)
    (shell.node.run_dir / "agent.sock").unlink()
    (shell.node.run_dir / "agent.sock").write_text("")
    assert "not a socket" in examined(shell.node.run_dir)["agent.sock"].reason


def test_the_cost_of_the_probes(shell: Shell) -> None:
    """What the kernel counts for the programs, with the dearest one."""
    sound(shell.node)
    counters = {**RUNNING, "program_runs.on_call": 1000, "program_ns.on_call": 500_000, "program_ns.on_dup": 1}
    shell.node.view.host_list = [Host("box", probes_running=True, counters=counters)]
    check = examined(shell.node.run_dir)["cost of the probes"]
    assert check.reason == "1,000 runs took 0.00 s of the kernel (500 ns each), most in on_call"


def test_verdicts_that_came_too_late(shell: Shell) -> None:
    """Attacks that went on for want of time fail, by the node; verdicts that did not come are said of each app."""
    sound(shell.node)
    counters = {"verdicts": 90, "verdict_timeouts": 7, "verdicts_skipped": 3}
    late = {"agent.late_attacks.shell": 2, "agent.late_attacks.sql": 1}
    shell.node.view.host_list = [Host("box", probes_running=True, counters=RUNNING | late)]
    shell.node.view.agent_list = [
        Agent(Process(pid=7, service="shop"), "block", connected=True, witnessed=True, counters=counters)
    ]
    checks = examined(shell.node.run_dir)
    assert (checks["late verdicts"].state, checks["late verdicts"].reason[:9]) == ("fail", "3 attacks")
    assert (checks["shop (7)"].state, checks["shop (7)"].reason[:20]) == ("warn", "10 of 100 verdicts d")
    assert "10 verdicts late" in " ".join(shell.run("agents").stdout.split())
