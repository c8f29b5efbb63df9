"""Prometheus metrics: the node's totals on http://ADDRESS/metrics.

The endpoint lives in the core's event loop, so that nothing changes while it is counted, and is as small as one page
needs: GET or HEAD of one path, bounded heads, few connections, no keep-alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from collector.core.link import Stats
from collector.hub import Hub
from collector.inspector.counters import BOUNDS
from collector.inventory import Agent, Host
from collector.settings import listen_address

MAX_CONNECTIONS = 16
HEAD_BYTES = 8192
HEAD_SECONDS = 5.0

AGENT_LABELS = {
    "hostile": "reason", "refused": "reason", "hellos": "role", "verdicts": "action", "judge_errors": "error",
    "agent_dropped": "reason", "evidence_dropped": "reason", "unknown_kind": "peer", "late_attacks": "operation",
}  # fmt: skip
"""The label's name of each inspector counter that has one; others have `kind`."""

HELP = {
    "hostile": "Frames that no honest agent sends", "refused": "Connections refused or closed for their behaviour",
    "hellos": "Agents that introduced themselves", "verdicts": "Verdicts given to asking agents",
    "judge_errors": "Errors while judging", "agent_dropped": "Records that agents had to drop",
    "evidence_dropped": "Evidence that was too large to pass on",
    "late_attacks": "Attacks that reached an operation which went on, as its verdict came too late",
    "cut": "Judgements for which a part of the request was too much to be looked at",
}  # fmt: skip
HISTOGRAMS = {"verdict": "Time to answer a verdict call", "judgement": "Time to judge one record"}
DELAY_HELP = {
    "event_read": "Time from a kernel event to its reading by the probe process",
    "event_stored": "Time from a kernel event to its commit with an attack trace",
}
_NAME = re.compile("[^a-z0-9_]")

log = structlog.get_logger()
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class NodeView(Protocol):
    """The part of core.node.NodeView that the metrics need."""

    def agents(self) -> list[Agent]: ...

    def hosts(self) -> list[Host]: ...

    def counters(self) -> dict[str, int]: ...


class NodeCollector(Collector):
    """Turns totals into metric families when they are asked for."""

    def __init__(self, node: NodeView, inspectors: Callable[[], Stats], hub: Hub) -> None:
        self._node, self._inspectors, self._hub = node, inspectors, hub

    def collect(self) -> Iterator[Family]:
        yield from self._node_families()
        stats = self._inspectors()
        for name, labels in sorted(stats.counters.items()):
            yield _agent_counter(name, labels)
        yield GaugeMetricFamily("cowitness_agent_open_connections", "Connections of agents", stats.connections)
        for name, values in sorted(stats.histograms.items()):
            yield _histogram(name, values)
        yield _counter("watcher_missed", "Records that slow watchers missed", "kind", self._hub.missed)
        yield GaugeMetricFamily("cowitness_watchers", "Watchers of the API", self._hub.watchers)

    def describe(self) -> list[Family]:
        """Nothing up front: registering must not ask for totals."""
        return []

    def _node_families(self) -> Iterator[Family]:
        totals = self._node.counters()
        yield _counter("handled", "Records handled by the core", "kind", _part(totals, "handled."))
        yield _counter("kernel_events", "Kernel events seen by the probes", "kind", _part(totals, "kernel_events."))
        yield _counter("lost_kernel_events", "Kernel events that were dropped", "kind", _part(totals, "lost_events."))
        yield _dropped(_part(totals, "dropped."))
        text = "Traces of the sources of which most was left out"
        yield _gauge("flood_sources", text, "client_address", _part(totals, "flood_sources."))
        yield _gauge("queue_length", "Waiting in a queue of the core", "queue", _part(totals, "queued."))
        yield _gauge("memory_bytes", "Resident memory", "process", _part(totals, "memory."))
        yield from _programs(totals)
        for name, text in DELAY_HELP.items():
            yield _delays(name, text, _part(totals, f"{name}."))
        registered = totals.get("registered_processes", 0)
        yield GaugeMetricFamily("cowitness_registered_processes", "Processes that the kernel side watches", registered)
        yield _gauge("agents", "App processes under an agent", "state", _agent_states(self._node.agents()))
        for host in self._node.hosts():
            yield GaugeMetricFamily("cowitness_probes_running", "1 where the kernel testifies", host.probes_running)
            yield GaugeMetricFamily("cowitness_start_time_seconds", "When the node started", host.start_time / 1e9)


class Endpoint:
    """The running HTTP endpoint."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    async def stop(self) -> None:
        """Take no more connections; open ones end by themselves within seconds."""
        self._server.close()


async def start(listen: str, node: NodeView, inspectors: Callable[[], Stats], hub: Hub) -> Endpoint | None:
    """Serve at `listen` (address:port); None where that is empty, or cannot be had, which is logged: a daemon without
    metrics is better than none."""
    if not listen:
        return None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(node, inspectors, hub))
    page = Page(registry)
    address, port = listen_address(listen)
    try:
        server = await asyncio.start_server(page.serve, address, port, limit=HEAD_BYTES)
    except OSError as error:
        log.error("no metrics: cannot listen; see metrics.listen", listen=listen, error=error.strerror or str(error))
        return None
    log.info("metrics", url=f"http://{listen}/metrics")
    return Endpoint(server)


class Page:
    """Answers HTTP connections, one request each."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MAX_CONNECTIONS:
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self.answer(head))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            with contextlib.suppress(OSError):
                writer.close()

    def answer(self, head: bytes) -> bytes:
        """The whole response to one request's head."""
        method, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
        path = rest.split(b" ")[0].split(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"only GET\n")
        if path != b"/metrics":
            return _response("404 Not Found", b"see /metrics\n")
        body = generate_latest(self._registry)
        return _response("200 OK", body, CONTENT_TYPE_LATEST, method == b"HEAD")


def _response(status: str, body: bytes, kind: str = "text/plain; charset=utf-8", head_only: bool = False) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if head_only else body)


def _part(totals: dict[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in totals.items() if name.startswith(prefix)}


def _counter(name: str, text: str, label: str, values: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"cowitness_{name}", text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _gauge(name: str, text: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"cowitness_{name}", text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _programs(totals: dict[str, int]) -> Iterator[Family]:
    """What the kernel's BPF programs cost, as the kernel counts it."""
    yield _counter("program_runs", "Runs of BPF programs", "program", _part(totals, "program_runs."))
    spent = CounterMetricFamily("cowitness_program_seconds", "Time spent in BPF programs", labels=["program"])
    for program, nanoseconds in sorted(_part(totals, "program_ns.").items()):
        spent.add_metric([program], nanoseconds / 1e9)
    yield spent


def _delays(name: str, text: str, values: dict[str, int]) -> HistogramMetricFamily:
    """From the totals of core.node.delays."""
    buckets = [(bound, float(count)) for bound, count in values.items() if bound != "sum"] or [("+Inf", 0.0)]
    return HistogramMetricFamily(f"cowitness_{name}_seconds", text, buckets, sum_value=values.get("sum", 0) / 1e9)


def _dropped(values: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily("cowitness_dropped", "What was dropped on the way", labels=["stage", "reason"])
    for value, count in sorted(values.items()):
        stage, _, reason = value.partition(".")
        family.add_metric([stage, reason], count)
    return family


def _agent_counter(name: str, values: dict[str, int]) -> CounterMetricFamily:
    """cowitness_agent_NAME_total; a counter whose only label value is empty has no label."""
    short = _NAME.sub("_", name.lower()).removeprefix("agent_")
    text = HELP.get(name, f"Inspectors: {short.replace('_', ' ')}")
    if set(values) <= {""}:
        return CounterMetricFamily(f"cowitness_agent_{short}", text, value=values.get("", 0))
    return _counter(f"agent_{short}", text, AGENT_LABELS.get(name, "kind"), values)


def _histogram(name: str, values: list[float]) -> HistogramMetricFamily:
    """From counts by bucket and the sum (inspector.counters.Histogram.snapshot)."""
    total, buckets = 0.0, []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], values, strict=False):
        total += count
        buckets.append((bound, total))
    text = HISTOGRAMS.get(name, name)
    return HistogramMetricFamily(f"cowitness_{_NAME.sub('_', name)}_seconds", text, buckets, sum_value=values[-1])


def _agent_states(agents: list[Agent]) -> dict[str, int]:
    connected = [agent for agent in agents if agent.connected]
    return {
        "connected": len(connected), "disconnected": len(agents) - len(connected),
        "witnessed": sum(agent.witnessed for agent in connected),
    }  # fmt: skip
