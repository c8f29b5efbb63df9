"""The commands that show what the collector knows: traces, logins, agents, connections, hosts, and what comes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from collector.cli.asking import client, listing, page, print_json
from collector.cli.options import (
    RUN_DIR,
    Address,
    Category,
    Json,
    Limit,
    Outcomes,
    RunDir,
    Service,
    Since,
    TraceId,
    Until,
    User,
    Verdicts,
)  # fmt: skip


def traces(
    since: Since = None, until: Until = None, service: Service = None, verdict: Verdicts = None,
    address: Address = None, user: User = None, category: Category = None, trace_id: TraceId = None,
    limit: Limit = 100, json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List attack traces, the newest first."""
    from collector.cli import words

    wanted = words.trace_filter(since, until, service, verdict, address, user, category, trace_id)
    with client(run_dir) as node:
        listing(node.traces(wanted, limit), json, "traces", "no attack traces")


def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="The id, or 4 or more of its first digits.")],
    join: Annotated[
        list[Path] | None,
        typer.Option("--join", metavar="FILE", help="With those of another host: what `traces --json` printed there."),
    ] = None,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show one attack trace, both witnesses side by side."""
    from cowitness.v1 import cowitness_pb2 as pb

    from collector.cli import joining, meeting, trace_view

    others = [other for path in join or () for other in joining.read(path, pb.AttackTrace, "traces")]
    with client(run_dir) as node:
        page(meeting.meet(node.trace(trace_id), others), json, trace_view.show)


def logins(
    since: Since = None, until: Until = None, service: Service = None, outcome: Outcomes = None,
    address: Address = None, user: User = None, limit: Limit = 100, json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List logins, failed logins, logouts, sign-ups and the app's own events, the newest first."""
    from collector.cli import words

    wanted = words.login_filter(since, until, service, outcome, address, user)
    with client(run_dir) as node:
        listing(node.logins(wanted, limit), json, "logins", "no login events")


def login(
    login_id: Annotated[str, typer.Argument(metavar="ID", help="The id, or 4 or more of its first digits.")],
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show one login event; of a login to the host also what its session executed."""
    from collector.cli import login_view

    with client(run_dir) as node:
        page(node.login(login_id), json, login_view.show)


def agents(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """List the app processes under an agent."""
    with client(run_dir) as node:
        listing(node.agents(), json, "agents", "no agents")


def edges(
    join: Annotated[
        list[Path] | None,
        typer.Option("--join", metavar="FILE", help="With those of another host: what `edges --json` printed there."),
    ] = None,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List which services talk to which, by the kernel's word on their connections."""
    from cowitness.v1 import cowitness_pb2 as pb

    from collector.cli import joining

    others = [edge for path in join or () for edge in joining.read(path, pb.Edge, "edges")]
    with client(run_dir) as node:
        found = joining.join([*node.edges(), *others]) if others else node.edges()
        listing(found, json, "edges", "no connections")


def hosts(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Show the host, its probes and all totals."""
    with client(run_dir) as node:
        listing(node.hosts(), json, "hosts", "no hosts")


def watch(
    service: Service = None, verdict: Verdicts = None, address: Address = None, user: User = None,
    category: Category = None, outcome: Outcomes = None,
    limit: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show attack traces and logins as they come."""
    from collector.cli import text, words
    from collector.cli import watch as watching

    wanted = words.trace_filter(None, None, service, verdict, address, user, category)
    wanted_logins = words.login_filter(None, None, service, outcome, address, user)
    console = text.console()
    with client(run_dir) as node, contextlib.suppress(KeyboardInterrupt):
        for count, item in enumerate(watching.news(node, wanted, wanted_logins), 1):
            if json:
                print_json([item])
            else:
                watching.show(console, item)
            if count == limit:
                return
