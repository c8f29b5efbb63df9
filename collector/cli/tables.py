"""Lists for people: traces, logins, agents, hosts. Each row fits into 80 columns by wrapping, never by hiding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cowitness.v1 import cowitness_pb2 as pb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.cli.text import address, ago, asked, clean, unjudged, untrusted, verdict, when

OUTCOME_STYLES = {1: "green", 2: "bold red", 3: "dim", 4: "cyan", 5: "cyan"}
OUTCOME_WORDS = {0: "?", 1: "success", 2: "failure", 3: "logout", 4: "signup", 5: "custom"}
LISTED = {"block": "refused", "allow": "never refused"}
ROWS = 500
"""Rows laid out together: a long list starts to show before its last page has come."""


def traces(console: Console, found: Iterable[pb.AttackTrace]) -> int:
    """Print them; how many there were."""
    return _print(console, (trace_row(trace) for trace in found), ("time", "verdict", "id", "service", "attack"))


def logins(console: Console, found: Iterable[pb.LoginEvent]) -> int:
    """Print them; how many there were."""
    return _print(console, (login_row(login) for login in found), ("time", "outcome", "user", "from", "service"))


def agents(console: Console, found: Iterable[pb.Agent]) -> int:
    """Print them; how many there were."""
    columns = ("pid", "service", "mode", "policy", "state", "kernel", "runtime", "hooks")
    return _print(console, (agent_row(agent) for agent in found), columns)


def edges(console: Console, found: Iterable[pb.Edge]) -> int:
    """Print them; how many there were."""
    return _print(console, (edge_row(edge) for edge in found), ("last", "from", "to", "at", "connections"))


def policies(console: Console, found: pb.Enforcement) -> int:
    """Print the mode, what is not in force, and the policies; how many there were."""
    console.print(Text.assemble("mode ", (found.mode, "bold")))
    if found.reason:
        console.print(untrusted(f"not in force: {found.reason}", "yellow"))
    columns = ("policy", "service", "mode", "scope", "execute", "connect", "files")
    return _print(console, (policy_row(policy) for policy in found.policies), columns)


def entries(console: Console, found: Iterable[dict[str, Any]]) -> int:
    """Print who is listed in the protection policy; how many there were."""
    rows = (
        (
            untrusted(one["subject"], "bold", 120), LISTED.get(one["list"], one["list"]),
            one.get("expires", "for ever"), untrusted(one.get("reason", ""), limit=300),
        )
        for one in found
    )  # fmt: skip
    return _print(console, rows, ("who", "is", "until", "reason"))


def versions(console: Console, found: Iterable[pb.PolicyVersion]) -> int:
    """Print the versions of the protection policy; how many there were."""
    rows = ((str(one.version), when(one.time), f"{one.size:,}") for one in found)
    return _print(console, rows, ("version", "since", "bytes"))


def policy_row(policy: pb.Policy) -> tuple[Text | str, ...]:
    programs, networks = " ".join(policy.programs), " ".join(policy.networks)
    return (
        untrusted(policy.name, "bold", 64), untrusted(policy.service_name, "cyan", 40), policy.mode, policy.scope,
        untrusted(f"{policy.execute} {programs}".strip(), limit=400),
        untrusted(f"{policy.connect} {networks}".strip(), limit=400),
        untrusted(" ".join([*(f"-r {one}" for one in policy.deny_read), *(f"-w {one}" for one in policy.deny_write)]),
                  limit=400),
    )  # fmt: skip


def trace_row(trace: pb.AttackTrace) -> tuple[Text | str, ...]:
    request = trace.request
    what = Text(clean(", ".join(trace.categories), 200), style="bold")
    if trace.action == pb.ACTION_BLOCKED:
        what.append(" blocked", style="green")
    if trace.repeat_count:
        what.append(f" +{trace.repeat_count:,}", style="yellow")
    what.append("  ")
    what.append(untrusted(asked(request), limit=160))
    if not request.HasField("messaging"):
        what.append(untrusted(f"  from {request.client_address or 'unknown'}", "dim", 100))
    return (
        when(request.start_time), verdict(trace.verdict), clean(trace.id, 16),
        untrusted(request.process.service_name, "cyan", 40), what,
    )  # fmt: skip


def login_row(login: pb.LoginEvent) -> tuple[Text | str, ...]:
    user = login.user.login or login.user.id or "-"
    if login.user.id and login.user.login:
        user += f" ({login.user.id})"
    source = untrusted(login.client_address or "-", limit=60)
    if login.kernel_peer.address:
        seen = address(login.kernel_peer.address, login.kernel_peer.port)
        source.append(untrusted(f" via {seen}", "dim", 80))
    if login.forged_forwarding:
        source.append(" forged forwarding header", style="yellow")
    word = clean(login.event_name, 60) or OUTCOME_WORDS.get(login.outcome, "?")
    outcome = Text(word, style=OUTCOME_STYLES.get(login.outcome, ""))
    service = untrusted(login.process.service_name, "cyan", 40)
    return when(login.time), outcome, untrusted(user, "bold", 120), source, service


def edge_row(edge: pb.Edge) -> tuple[Text | str, ...]:
    """A service by its name, and by its host where the two are on different ones; of what no node knows the address."""
    apart = edge.client_host_name and edge.server_host_name and edge.client_host_name != edge.server_host_name
    client, server = edge.client_service_name, edge.server_service_name or "-"
    if apart:
        client, server = f"{client}@{edge.client_host_name}", f"{server}@{edge.server_host_name}"
    source = untrusted(client, "cyan", 80)
    if edge.client_address:
        source = untrusted(f"{edge.client_address} (elsewhere)", "dim", 80)
    target = untrusted(server, "cyan" if edge.server_service_name else "dim", 80)
    where = untrusted(address(edge.server.address, edge.server.port), limit=80)
    return when(edge.last_time), source, target, where, f"{edge.connections:,}"


def agent_row(agent: pb.Agent) -> tuple[Text | str, ...]:
    state = Text("connected", style="green") if agent.connected else Text(f"gone {ago(agent.last_seen_time)}", "dim")
    kernel = Text("watched", style="green") if agent.witnessed else Text("unwatched", style="yellow")
    by_state = {state: [hook for hook in agent.hooks if hook.state == state] for state in ("installed", "failed")}
    hooks = Text(f"{len(by_state['installed'])} of {len(agent.hooks)}")
    for hook in by_state["failed"]:
        hooks.append("\n").append(untrusted(f"{hook.target}: {hook.reason}", "yellow", 200))
    process, mode = agent.process, untrusted(agent.mode, limit=10)
    if missed := unjudged(agent):
        mode.append(f"\n{missed:,} verdicts late", style="yellow")
    return (
        str(process.pid), untrusted(process.service_name, "cyan", 40), mode,
        str(agent.policy_version or "-"), state, kernel,
        untrusted(process.runtime_version, limit=40), hooks,
    )  # fmt: skip


def hosts(console: Console, found: Iterable[pb.Host]) -> int:
    """Print each host as a page of its own; how many there were."""
    count = 0
    for count, host in enumerate(found, 1):  # noqa: B007 - the count outlives the loop
        console.print(_host(host))
    return count


def _host(host: pb.Host) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("host", untrusted(host.host_name, "bold"))
    grid.add_row("system", untrusted(f"{host.os_description}, Linux {host.kernel_release}, {host.architecture}"))
    grid.add_row("collector", untrusted(f"{host.collector_version}, started {when(host.start_time, full=True)}"))
    probes = Text("running", style="green") if host.probes_running else untrusted(host.probes_reason, "yellow")
    grid.add_row("probes", probes)
    for one in host.capabilities:
        word = Text("yes", style="green") if one.available else Text("no", style="yellow")
        grid.add_row(clean(one.name, 40), Text.assemble(word, untrusted(f"  {one.reason}" if one.reason else "")))
    for name in sorted(host.counters):
        grid.add_row(clean(name, 60), amount(name, host.counters[name]))
    return grid


def amount(name: str, count: int) -> str:
    """A counter; memory in MiB."""
    return f"{count / (1 << 20):.1f} MiB" if name.startswith("memory.") else f"{count:,}"


def _print(console: Console, rows: Iterable[tuple[Text | str, ...]], columns: tuple[str, ...]) -> int:
    count = 0
    table = _table(columns)
    for row in rows:
        if count and count % ROWS == 0:
            console.print(table)
            table = _table(columns)
        table.add_row(*row)
        count += 1
    if count:
        console.print(table)
    return count


def _table(columns: tuple[str, ...]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in ("time", "verdict", "id", "outcome", "pid", "kernel"))
    return table
