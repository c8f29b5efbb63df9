"""`cowitness doctor`: what stands between this host and two witnesses. Every check says what it saw and what to do."""

from __future__ import annotations

import os
import platform
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from cowitness.v1 import cowitness_pb2 as pb
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.cli.client import Client
from collector.cli.failure import CommandError
from collector.cli.text import unjudged, untrusted

State = Literal["ok", "warn", "fail"]
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
BPF_CAPABILITIES = {"CAP_BPF": 39, "CAP_PERFMON": 38}
CAP_SYS_ADMIN = 21
TRACEFS = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
DEADLINES = "COWITNESS_DEADLINE_MS and COWITNESS_ATTACK_DEADLINE_MS in README.md"
FIND_BCC = "from probes.distribution import find_bcc; print(find_bcc())"


class Check(Struct, frozen=True):
    """One line of the answer; `todo` is empty where nothing is to be done."""

    name: str
    state: State
    reason: str
    todo: str = ""


def examine(run_dir: Path) -> Iterator[Check]:
    """All checks, the host first."""
    yield _python()
    yield _bpf()
    yield _tracefs()
    yield _bcc()
    yield from _sockets(run_dir)
    yield from _node(run_dir)


def show(console: Console, checks: Iterator[Check]) -> None:
    """Print them as a table."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=24)
    table.add_column(overflow="fold")
    for check in checks:
        what = untrusted(check.reason)
        if check.todo:
            what.append("\n-> ").append(untrusted(check.todo, "cyan"))
        table.add_row(Text(check.state, style=STYLES[check.state]), untrusted(check.name, "bold", 60), what)
    console.print(table)


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    return Check("python", "ok", found)


def _bpf() -> Check:
    """May this user load BPF programs? The probes do, so it matters for whoever runs `cowitness up`."""
    effective = _effective_capabilities()
    lacking = [name for name, bit in BPF_CAPABILITIES.items() if not effective >> bit & 1]
    if effective >> CAP_SYS_ADMIN & 1 or not lacking:
        return Check("bpf", "ok", f"allowed, Linux {platform.release()}")
    return Check(
        "bpf", "warn", f"this user lacks {', '.join(lacking)}: only the app will testify",
        "run the daemon as root, or give the probes these capabilities",
    )  # fmt: skip


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _tracefs() -> Check:
    for path in TRACEFS:
        try:
            if (path / "events" / "sched").is_dir():
                return Check("tracefs", "ok", str(path))
        except PermissionError:
            return Check("tracefs", "warn", f"no right to read {path}", "run `cowitness doctor` as the daemon's user")
    return Check(
        "tracefs", "warn", "not mounted (a daemon that runs as root mounts it for its probes)",
        f"mount -t tracefs nodev {TRACEFS[0]}",
    )  # fmt: skip


def _bcc() -> Check:
    """Asked of another process: the probes' modules are not this room's to import."""
    try:
        done = subprocess.run([sys.executable, "-c", FIND_BCC], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("bcc", "warn", f"cannot be looked for: {error}")
    if done.returncode == 0:
        return Check("bcc", "ok", done.stdout.strip())
    reason, _, todo = (done.stderr.strip().splitlines() or [""])[-1].partition(": ")[2].partition(": ")
    return Check("bcc", "warn", reason or "not found", todo or "install the distribution's BCC")


def _sockets(run_dir: Path) -> Iterator[Check]:
    for name, whose in (("agent.sock", "apps"), ("api.sock", "commands")):
        path = run_dir.absolute() / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield Check(name, "fail", f"{path}: {error.strerror}", "cowitness up, or the right --run-dir")
            continue
        if not stat.S_ISSOCK(mode):
            yield Check(name, "fail", f"{path} is not a socket", "remove it and start the daemon again")
        elif not os.access(path, os.W_OK):
            yield Check(name, "warn", f"{path}: this user's {whose} may not use it", "see its group and mode")
        else:
            yield Check(name, "ok", f"{path}, mode {stat.S_IMODE(mode):04o}")


def _node(run_dir: Path) -> Iterator[Check]:
    """What the daemon itself says."""
    try:
        with Client(run_dir) as client:
            hosts, agents = client.hosts(), list(client.agents())
    except CommandError as error:
        yield Check("daemon", "fail", str(error), "cowitness up")
        return
    for host in hosts:
        yield Check("daemon", "ok", f"answers, version {host.collector_version}")
        if not host.counters.get("memory.inspectors"):
            yield Check("inspectors", "fail", "none is running: agents are not heard", "see the daemon's log")
        yield from _probes(host)
        yield from _drops(host)
        yield from _late(host)
        yield from _cost(host)
    yield from _agents(agents)


def _probes(host: pb.Host) -> Iterator[Check]:
    if host.probes_running:
        yield Check("probes", "ok", f"running on Linux {host.kernel_release}")
    else:
        yield Check("probes", "warn", host.probes_reason or "not running", "without them nothing can be confirmed")
    for one in host.capabilities:
        if not one.available and not host.probes_running:
            yield Check(f"probes: {one.name}", "warn", one.reason or "not available")


def _drops(host: pb.Host) -> Iterator[Check]:
    lost = {name: count for name, count in sorted(host.counters.items()) if name.startswith("dropped.") and count}
    if lost:
        told = ", ".join(f"{name.removeprefix('dropped.')} {count:,}" for name, count in lost.items())
        yield Check("drops", "warn", f"dropped since the start: {told}", "see docs/configuration.md for larger limits")


def _late(host: pb.Host) -> Iterator[Check]:
    """What block mode let pass for want of time."""
    late = sum(count for name, count in host.counters.items() if name.startswith("agent.late_attacks"))
    if late:
        told = f"{late:,} attacks went on in block mode since the start: their verdicts came too late"
        yield Check("late verdicts", "fail", told, f"give the inspectors more processors, or see {DEADLINES}")


def _cost(host: pb.Host) -> Iterator[Check]:
    """What the kernel counts for our programs since the probes started."""
    spent = {name.removeprefix("program_ns."): n for name, n in host.counters.items() if name.startswith("program_ns.")}
    runs = sum(n for name, n in host.counters.items() if name.startswith("program_runs."))
    if runs:
        dearest = max(spent, key=spent.__getitem__)
        total = sum(spent.values())
        told = f"{runs:,} runs took {total / 1e9:.2f} s of the kernel ({total / runs:.0f} ns each), most in {dearest}"
        yield Check("cost of the probes", "ok", told)


def _agents(agents: list[pb.Agent]) -> Iterator[Check]:
    connected = [agent for agent in agents if agent.connected]
    if not connected:
        yield Check("agents", "warn", "no app is connected", "start one with cowitness-run COMMAND")
        return
    yield Check("agents", "ok", f"{len(connected)} connected")
    checks: tuple[Callable[[pb.Agent], Iterator[Check]], ...] = (_unwitnessed, _failed_hooks, _unjudged)
    for agent in connected:
        for check in checks:
            yield from check(agent)


def _unwitnessed(agent: pb.Agent) -> Iterator[Check]:
    if not agent.witnessed:
        reason = "the kernel side does not watch this process"
        yield Check(_name(agent), "warn", reason, "see the probes above; an app in a container needs its host's pids")


def _failed_hooks(agent: pb.Agent) -> Iterator[Check]:
    for hook in agent.hooks:
        if hook.state == "failed":
            yield Check(_name(agent), "warn", f"the hook on {hook.target} failed: {hook.reason}", "please report it")


def _unjudged(agent: pb.Agent) -> Iterator[Check]:
    """How often an app went on without the verdict that it had asked for."""
    counters = agent.counters
    missed = unjudged(agent)
    if missed:
        told = f"{missed:,} of {missed + counters.get('verdicts', 0):,} verdicts did not come in time: the app went on"
        yield Check(_name(agent), "warn", told, f"see {DEADLINES}")


def _name(agent: pb.Agent) -> str:
    return f"{agent.process.service_name or 'agent'} ({agent.process.pid})"
