"""`cowitness behaviour`: what a service normally does, what it did for the first time, the policy that says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli.asking import client, print_json
from collector.cli.options import RUN_DIR, Json, RunDir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cowitness.v1 import cowitness_pb2 as pb

app = typer.Typer(help="What services normally do: show, export as a policy, forget.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="SERVICE", help="The service's name.")]
OptionalName = Annotated[str | None, typer.Argument(metavar="SERVICE", help="One service; else all, a line each.")]


@app.command()
def show(service: OptionalName = None, json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Show what is known of a service, or of which services something is known."""
    from collector.cli.text import clean, console

    with client(run_dir) as node:
        found = [node.behaviour(service)] if service else list(node.behaviours())
    if json:
        print_json(found)
        return
    out = console()
    for one in found:
        for line in _page(one) if service else [_summary(one)]:
            out.print(clean(line), soft_wrap=True)


@app.command()
def export(service: Name, run_dir: RunDir = RUN_DIR) -> None:
    """Print a policy that allows what is known and nothing else, to be observed before it is enforced."""
    with client(run_dir) as node:
        found = node.behaviour(service)
    for line in toml(found):
        typer.echo(line)


@app.command()
def forget(service: Name, run_dir: RunDir = RUN_DIR) -> None:
    """Learn a service anew."""
    with client(run_dir) as node:
        node.forget(service)


def toml(found: pb.Behaviour) -> Iterator[str]:
    """The policy as a part of the configuration; comments say what it leaves out."""
    from collector.cli.text import clean
    from collector.config_text import toml_value

    yield f"# What {clean(found.service_name, 200)} does, as {_requests(found):,} requests have shown."
    yield from (f"# Not in here: {clean(line, 300)}" for line in found.not_in_policy)
    yield "[[enforcement.policies]]"
    for field, value in found.policy.ListFields():
        name = "service" if field.name == "service_name" else field.name
        yield f"{name} = {toml_value(value if isinstance(value, str) else list(value))}"


def _summary(found: pb.Behaviour) -> str:
    counts = f"{len(found.programs)} programs, {len(found.destinations)} destinations, {len(found.paths)} paths"
    return f"{found.service_name}: {_state(found)}, {counts}, {len(found.first_seen)} first seen since"


def _state(found: pb.Behaviour) -> str:
    learnt = all(version.HasField("learnt_time") for version in found.versions)
    return "learnt" if found.versions and learnt else f"learning, {_requests(found):,} requests so far"


def _requests(found: pb.Behaviour) -> int:
    return sum(version.requests for version in found.versions)


def _page(found: pb.Behaviour) -> Iterator[str]:
    from collector.cli.text import when

    yield _summary(found)
    for version in found.versions:
        name, since = version.service_version or "(no version)", when(version.start_time, full=True)
        end = f"learnt at {when(version.learnt_time, full=True)}" if version.HasField("learnt_time") else "being learnt"
        again = ", programs excepted, as many things were first seen at a time" if version.relearning else ""
        yield f"version {name}: {version.requests:,} requests since {since}, {end}{again}"
    kinds = ("program", found.programs), ("destination", found.destinations), ("name", found.dns_names)
    for kind, names in (*kinds, ("path", found.paths)):
        yield from (f"{kind:12} {name}" for name in names)
    for kind, count in sorted(found.no_room.items()):
        yield f"no room for  {count:,} of {kind}"
    for one in found.first_seen:
        last = when(one.last_time, full=True)
        yield f"first seen   {one.kind} {one.name}: {one.requests:,} requests, the last {last}"
