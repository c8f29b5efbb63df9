"""One attack trace for people: who asked what, what was found, and both witnesses side by side in time order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cowitness.v1 import cowitness_pb2 as pb
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from collector.cli.text import (
    MAX_LINE,
    VERDICT_STYLES,
    VERDICT_WORDS,
    address,
    asked,
    clean,
    facts,
    milliseconds,
    untrusted,
    verdict,
    when,
)
from collector.cli.timeline import timeline

WAVE = "attack_wave"
RELATIONS = {pb.RELATION_PARENT: "asked for this", pb.RELATION_CHILD: "asked by this"}
SOURCES = {pb.LINK_SOURCE_CONNECTION: "  by connection"}


def show(console: Console, trace: pb.AttackTrace) -> None:
    """Print the whole trace."""
    console.print(_title(trace))
    console.print(facts(_fact_rows(trace)))
    console.print(Rule(Text("findings", style="dim"), style="dim", align="left"))
    console.print(_findings(trace))
    console.print(Rule(Text("timeline", style="dim"), style="dim", align="left"))
    console.print(timeline(trace))
    if trace.linked:
        console.print(Rule(Text("other requests", style="dim"), style="dim", align="left"))
        console.print(linked(trace))
    for remark in _remarks(trace):
        console.print(Text(remark, style="yellow"))


def _title(trace: pb.AttackTrace) -> Text:
    title = Text.assemble(
        (VERDICT_WORDS.get(trace.verdict, "?").upper(), VERDICT_STYLES.get(trace.verdict, "")), "  ",
        (clean(", ".join(trace.categories), 200), "bold"),
    )  # fmt: skip
    if trace.action == pb.ACTION_BLOCKED:
        title.append("  blocked", style="bold green")
    return title


def _fact_rows(trace: pb.AttackTrace) -> Iterator[tuple[str, str]]:
    request, process, user = trace.request, trace.request.process, trace.request.user
    is_task = request.HasField("messaging")
    silent = "many: a wave" if WAVE in trace.categories else "not told: only the kernel has spoken"
    yield "task" if is_task else "request", asked(request).strip() or silent
    yield "task id" if is_task else "answer", request.messaging.message_id if is_task else _answer(request)
    yield "error", f"{request.exception_type}: {request.exception_message}" if request.exception_type else ""
    yield "raised at", request.exception_stack[-1] if request.exception_stack else ""
    yield "time", when(request.start_time, full=True)
    yield "trace", trace.id
    yield "trace id", request.trace_id
    if WAVE not in trace.categories:
        yield "service", f"{process.service_name} ({', '.join(_about(request))})"
    yield "client", "" if is_task else ", ".join(_client(request))
    yield "user", " ".join(filter(None, (user.login, f"({user.id})" if user.id else "")))
    yield "browser", request.user_agent
    yield "lineage", _lineage(trace.kernel_events)


def _lineage(events: Iterable[pb.KernelEvent]) -> str:
    """What the first program of the request descends from, the service last but those above it."""
    first = next((event for event in events if event.ancestors), None)
    if first is None:
        return ""
    chain = " < ".join(f"{one.comm} ({one.pid})" for one in first.ancestors)
    who = f"login user {first.login_user_id}" if first.HasField("login_user_id") else ""
    return "; ".join(filter(None, (chain, first.unit, first.container_id[:12], who)))


def _answer(request: pb.HttpRequest) -> str:
    if not request.status_code:
        return "none yet"
    size = f", {request.response_body_size:,} bytes," if request.HasField("response_body_size") else ""
    return f"{request.status_code}{size} after {milliseconds(request.duration.ToNanoseconds())}"


def _about(request: pb.HttpRequest) -> Iterator[str]:
    process = request.process
    yield from filter(None, (request.framework, process.runtime_version, f"pid {process.pid}"))
    yield from filter(None, (process.host_name and f"on {process.host_name}", process.container_id[:12]))


def _client(request: pb.HttpRequest) -> Iterator[str]:
    yield request.client_address or "unknown"
    if request.peer.address:
        yield f"the server saw {address(request.peer.address, request.peer.port)}"
    if request.kernel_peer.address:
        yield f"the kernel {address(request.kernel_peer.address, request.kernel_peer.port)}"


def _findings(trace: pb.AttackTrace) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for found in trace.findings:
        head = untrusted(f"{found.rule_id} {found.rule_name}", "bold", 200)
        head.append(untrusted(f"  {found.location} {found.parameter}", "cyan", 300))
        head.append(untrusted("  " + " ".join(found.tags), "dim", 200))
        if found.action == pb.ACTION_BLOCKED:
            head.append("  blocked", style="green")
        grid.add_row(verdict(found.stage), head)
        if found.value:
            grid.add_row("", _highlighted(found.value, found.highlight))
        if found.statement and found.stage != pb.VERDICT_ATTEMPTED:
            grid.add_row("", Text.assemble(("in  ", "dim"), untrusted(found.statement, limit=MAX_LINE)))
    return grid


def _highlighted(value: str, part: str) -> Text:
    """The value, with the part that matched standing out."""
    shown = untrusted(value, limit=MAX_LINE)
    start = shown.plain.find(clean(part, MAX_LINE)) if part else -1
    if start >= 0:
        shown.stylize("bold reverse", start, start + len(clean(part, MAX_LINE)))
    return shown


def _service(process: pb.Process, host: str) -> Text:
    """With its host where that is not this one."""
    service = untrusted(process.service_name, "cyan", 40)
    if process.host_name not in ("", host):
        service.append(untrusted(f"@{process.host_name}", "cyan", 40))
    return service


def linked(trace: pb.AttackTrace) -> Table:
    """The other requests that it belongs with: how each stands to this one, its service and verdict, its id."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in ("relation", "verdict", "id", "service", "request"):
        table.add_column(name, overflow="fold", no_wrap=name in ("relation", "verdict", "id"))
    for other in trace.linked:
        request = other.request
        what = untrusted(asked(request).strip() or "not told", limit=300)
        if other.categories:
            what.append(untrusted("  " + ", ".join(other.categories), "bold", 200))
        if not request.HasField("messaging"):
            what.append(untrusted(f"  from {request.client_address or 'unknown'}", "dim", 100))
        what.append(SOURCES.get(other.found_by, ""), style="dim")
        service = _service(request.process, trace.request.process.host_name)
        table.add_row(RELATIONS.get(other.relation, ""), verdict(other.verdict), clean(other.id, 16), service, what)
    return table


def _remarks(trace: pb.AttackTrace) -> Iterator[str]:
    if trace.request.late:
        yield "The verdict on this request came too late: it went on."
    if trace.repeat_count:
        until = when(trace.last_repeat_time, full=True)
        yield f"{trace.repeat_count:,} more requests like this one, the last at {until}, have no traces of their own."
    if trace.unwitnessed:
        yield "No probe watched this process: the kernel could not testify, so nothing above reached is possible."
    if trace.kernel_events_dropped:
        yield f"{trace.kernel_events_dropped:,} more kernel events of this request were not kept."
