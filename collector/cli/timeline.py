"""What both witnesses say of a request, side by side in time order; or what the kernel says alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct
from rich.table import Table
from rich.text import Text

from collector.cli.text import (
    MAX_LINE,
    address,
    asked,
    untrusted,
)

MAX_DEPTH = 8
"""Steps of indentation; deeper descendants stand at the last one."""

EVIDENCE = " <-- evidence"
LATE = "  the verdict came too late: it went on"
MARKS = {pb.ATTRIBUTION_EXACT: "", pb.ATTRIBUTION_INHERITED: "", pb.ATTRIBUTION_NONE: " (no mark)"}


class Line(Struct, frozen=True):
    """A line of the timeline: ns since the epoch, and what one of the witnesses says."""

    time: int
    app: Text | None = None
    kernel: Text | None = None


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
        elif operation.late:
            text.append(LATE, style="yellow")
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


def _of_statement(operation: pb.Operation) -> str:
    """Where a statement went and what it touched, as far as it is known."""
    parts = [f"at {address(operation.server.address, operation.server.port)}"] if operation.server.address else []
    if operation.HasField("row_count"):
        parts.append(f"{operation.row_count} rows")
    return f"  {', '.join(parts)}" if parts else ""


def _ns(stamp: Timestamp) -> int:
    return stamp.ToNanoseconds()
