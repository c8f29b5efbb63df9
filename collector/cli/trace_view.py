"""One attack trace for people: who asked what, what was found, and both witnesses side by side in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from collector.cli.text import (
    VERDICT_STYLES,
    VERDICT_WORDS,
    address,
    asked,
    clean,
    milliseconds,
    untrusted,
    verdict,
    when,
)

WAVE = "attack_wave"
MAX_DEPTH = 8
"""Steps of indentation; deeper descendants stand at the last one."""

MAX_LINE = 1000
EVIDENCE = " <-- evidence"
RELATIONS = {pb.RELATION_PARENT: "asked for this", pb.RELATION_CHILD: "asked by this"}
SOURCES = {pb.LINK_SOURCE_CONNECTION: "  by connection"}
MARKS = {pb.ATTRIBUTION_EXACT: "", pb.ATTRIBUTION_INHERITED: "", pb.ATTRIBUTION_NONE: " (no mark)"}


class Line(Struct, frozen=True):
    """A line of the timeline: ns since the epoch, and what one of the witnesses says."""

    time: int
    app: Text | None = None
    kernel: Text | None = None


def show(console: Console, trace: pb.AttackTrace) -> None:
    """Print the whole trace."""
    console.print(_title(trace))
    console.print(_facts(trace))
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


def _facts(trace: pb.AttackTrace) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _fact_rows(trace):
        if value:
            grid.add_row(name, untrusted(value, limit=MAX_LINE))
    return grid


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


def _of_statement(operation: pb.Operation) -> str:
    """Where a statement went and what it touched, as far as it is known."""
    parts = [f"at {address(operation.server.address, operation.server.port)}"] if operation.server.address else []
    if operation.HasField("row_count"):
        parts.append(f"{operation.row_count} rows")
    return f"  {', '.join(parts)}" if parts else ""


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
        service = untrusted(request.process.service_name, "cyan", 40)
        table.add_row(RELATIONS.get(other.relation, ""), verdict(other.verdict), clean(other.id, 16), service, what)
    return table


def timeline(trace: pb.AttackTrace) -> Table:
    """Time since the request's start in ms, the app's word, the kernel's word."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", expand=True)
    table.add_column("ms", justify="right", no_wrap=True, style="dim")
    table.add_column("the app says", ratio=2, overflow="fold")
    table.add_column("the kernel says", ratio=3, overflow="fold")
    start = trace.request.start_time.ToNanoseconds()
    for line in sorted([*_app_lines(trace), *kernel_lines(trace.kernel_events)], key=lambda line: line.time):
        table.add_row(f"{(line.time - start) / 1e6:.1f}", line.app or "", line.kernel or "")
    return table


def _app_lines(trace: pb.AttackTrace) -> Iterator[Line]:
    request = trace.request
    start = request.start_time.ToNanoseconds()
    yield Line(start, app=untrusted(asked(request).partition("?")[0], "bold", 300))
    concerned = {found.operation_index for found in trace.findings if found.HasField("operation_index")}
    for operation in trace.operations:
        style = "bold" if operation.index in concerned else ""
        text = Text.assemble(untrusted(operation.kind, "cyan", 20), " ", untrusted(operation.text, style, MAX_LINE))
        if operation.blocked:
            text.append("  blocked", style="green")
        text.append(untrusted(_of_statement(operation), "dim", 200))
        if operation.error_type:
            text.append(untrusted(f"  {operation.error_type}", "red", 100))
        yield Line(_ns(operation.start_time) or start, app=text)
    if request.status_code or request.HasField("messaging"):
        end = start + request.duration.ToNanoseconds()
        yield Line(end, app=Text(f"answer {request.status_code}" if request.status_code else "end", style="bold"))


def kernel_lines(events: Iterable[pb.KernelEvent]) -> Iterator[Line]:
    """One line an event, indented by how deep its process stands below the app's."""
    depths: dict[int, int] = {}
    for event in events:
        depth = depths.setdefault(event.pid, depths[event.parent_pid] + 1 if event.parent_pid in depths else 0)
        if event.kind == "fork" and event.child_pid:
            depths.setdefault(event.child_pid, depth + 1)
        yield Line(_ns(event.time), kernel=_event(event, depth))


def _event(event: pb.KernelEvent, depth: int) -> Text:
    indent = "  " * min(depth, MAX_DEPTH)
    text = Text.assemble(indent, (f"{event.pid} ", "dim"), (event.kind, "magenta"), " ")
    text.append(untrusted(_deed(event), "bold" if event.evidence else "", MAX_LINE))
    text.append(MARKS.get(event.attribution, ""), style="yellow")
    if event.evidence:
        text.append(EVIDENCE, style="bold red")
    return text


def _deed(event: pb.KernelEvent) -> str:
    describe = _DEEDS.get(event.kind, _plain)
    return f"{describe(event)}{f' (errno {-event.result})' if event.result < 0 else ''}"


def _plain(event: pb.KernelEvent) -> str:
    where = address(event.peer.address, event.peer.port) if event.peer.address else ""
    arrow = f"{event.path} -> {event.target}" if event.target else event.path
    return " ".join(filter(None, (event.operation, arrow, where)))


def _execution(event: pb.KernelEvent) -> str:
    more = " ..." if event.argv_truncated else ""
    line = f"{event.executable_path} [{' '.join(map(repr, event.argv))}{more}]"
    if event.nameless:
        line += f", {event.target} without a file"
    if event.socket_streams and event.peer.address:
        line += f", standard streams are {address(event.peer.address, event.peer.port)}"
    return line


def _dns(event: pb.KernelEvent) -> str:
    return f"{event.path} {event.target} asked of {address(event.peer.address, event.peer.port)}"


def _connect(event: pb.KernelEvent) -> str:
    return _plain(event) + (f", which is {event.peer_service_name}" if event.peer_service_name else "")


def _decided(event: pb.KernelEvent) -> str:
    if not event.enforced:
        return "would be denied"
    return "denied" if event.result else "ended when it had happened"


_DEEDS: dict[str, Callable[[pb.KernelEvent], str]] = {
    "exec": _execution,
    "fork": lambda event: f"-> {event.child_pid}",
    "exit": lambda event: f"{event.comm}, status {event.exit_code >> 8 & 255}, signal {event.exit_code & 127}",
    "dns": _dns,
    "connect": _connect,
    "turn": lambda event: f"{event.size} on the connection to {_plain(event)}",
    "decision": lambda event: f"{_decided(event)} by {event.policy}: {_plain(event)}",
    "chmod": lambda event: f"{event.path} to {event.flags:04o}",
    "chown": lambda event: f"{event.path} to {', '.join(map(str, event.ids))}",
    "truncate": lambda event: f"{event.path} to {event.size} bytes",
    "signal": lambda event: f"{event.flags} to {event.target_pid}",
    "ptrace": lambda event: f"{event.operation} of {event.target_pid}",
    "executable_memory": lambda event: f"{event.operation} {event.size} bytes",
    "credentials": lambda event: f"{event.operation} {', '.join(map(str, event.ids))}",
    "stream": lambda event: f"{_plain(event)} on descriptor {event.result}",
}


def _remarks(trace: pb.AttackTrace) -> Iterator[str]:
    if trace.repeat_count:
        until = when(trace.last_repeat_time, full=True)
        yield f"{trace.repeat_count:,} more requests like this one, the last at {until}, have no traces of their own."
    if trace.unwitnessed:
        yield "No probe watched this process: the kernel could not testify, so nothing above reached is possible."
    if trace.kernel_events_dropped:
        yield f"{trace.kernel_events_dropped:,} more kernel events of this request were not kept."


def _ns(stamp: Timestamp) -> int:
    return stamp.ToNanoseconds()
