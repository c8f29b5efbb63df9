"""The metrics: what Prometheus reads, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Coroutine
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector import metrics
from collector.core.link import Stats
from collector.hub import Hub
from collector.inspector.counters import Counters
from collector.inventory import Agent, Host
from collector.model import Process
from tests.collector.api.node import View
from tests.collector.logged import captured

TOTALS = {
    "handled.reports": 7, "dropped.pipeline.kernel_queue_full": 3, "dropped.probes.ring_full": 2, "queued.evidence": 1,
    "kernel_events.exec": 99, "memory.core": 1 << 20, "registered_processes": 4,
    "agent.hostile.too_large": 5, "program_runs.on_call": 12, "program_ns.on_call": 3_000_000_000,
    "event_stored.0.001": 1, "event_stored.+Inf": 3, "event_stored.sum": 2_500_000_000,
}  # fmt: skip


class Node(View):
    """A node with some totals."""

    def counters(self) -> dict[str, int]:
        return TOTALS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def node() -> Node:
    made = Node()
    made.host_list = [Host("box", probes_running=True, start_time=1_000_000_000)]
    watched = Agent(Process(pid=1), connected=True, witnessed=True)
    made.agent_list = [watched, Agent(Process(pid=2), connected=True), Agent(Process(pid=3))]
    return made


def inspectors() -> Stats:
    counters = Counters()
    counters.add("hostile", "too_large", 5)
    counters.add("hostile", 'odd"\n\\label')
    counters.add("refused", "busy")
    counters.add("records", count=1000)
    for seconds in (0.00001, 0.003, 0.003, 7.0):
        counters.verdicts.observe(seconds)
    return counters.stats(12, 0)


def scrape(body: str) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def serving(work: Any) -> Any:
    """Run `work(port)` in a thread while the endpoint serves."""

    async def run() -> Any:
        port = free_port()
        endpoint = await metrics.start(f"127.0.0.1:{port}", node(), inspectors, Hub())
        assert endpoint is not None
        result = await asyncio.to_thread(work, port)
        await endpoint.stop()
        return result

    return asyncio.run(run())


def get(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_the_totals() -> None:
    """Counters of the core, the probes and the inspectors are there with their labels; every drop has stage, reason."""
    status, body = serving(get)
    samples = scrape(body)
    assert status == 200
    expected = {
        ("cowitness_handled_total", "reports"): 7, ("cowitness_dropped_total", "kernel_queue_full", "pipeline"): 3,
        ("cowitness_dropped_total", "ring_full", "probes"): 2, ("cowitness_queue_length", "evidence"): 1,
        ("cowitness_kernel_events_total", "exec"): 99, ("cowitness_memory_bytes", "core"): 1 << 20,
        ("cowitness_registered_processes",): 4, ("cowitness_agents", "connected"): 2,
        ("cowitness_agents", "disconnected"): 1, ("cowitness_agents", "witnessed"): 1,
        ("cowitness_probes_running",): 1, ("cowitness_start_time_seconds",): 1,
        ("cowitness_agent_hostile_total", "too_large"): 5, ("cowitness_agent_refused_total", "busy"): 1,
        ("cowitness_agent_hostile_total", 'odd"\n\\label'): 1, ("cowitness_agent_records_total",): 1000,
        ("cowitness_agent_open_connections",): 12,
    }  # fmt: skip
    assert {name: samples.get(name) for name in expected} == expected


def test_histograms_are_cumulative() -> None:
    """Buckets count everything up to their bound; the last one everything; the sum is in seconds."""
    samples = scrape(serving(get)[1])
    buckets = {
        bound: samples["cowitness_verdict_seconds_bucket", bound] for bound in ("5e-05", "0.0025", "0.005", "1.0")
    }
    assert buckets == {"5e-05": 1, "0.0025": 1, "0.005": 3, "1.0": 3}
    assert samples["cowitness_verdict_seconds_bucket", "+Inf"] == samples["cowitness_verdict_seconds_count",] == 4
    assert samples["cowitness_verdict_seconds_sum",] == pytest.approx(7.00601)


def test_other_paths_and_methods() -> None:
    """Only GET and HEAD of /metrics give anything; a query does not matter."""

    def work(port: int) -> list[int]:
        asked = [("/", "GET"), ("/metrics", "POST"), ("/metrics", "HEAD"), ("/metrics?x=1", "GET")]
        return [get(port, path, method)[0] for path, method in asked]

    assert serving(work) == [404, 405, 200, 200]


def test_heads_that_are_too_long_or_no_heads() -> None:
    """Noise and endless heads end in a closed connection, and the page is still served."""

    def work(port: int) -> int:
        for data in (b"\x00" * 100_000, b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 10_000, b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), 10) as sock:
                try:
                    sock.sendall(data)
                    while sock.recv(65536):
                        pass
                except ConnectionError:
                    pass
        return get(port)[0]

    assert serving(work) == 200


def test_a_crowd_of_silent_connections() -> None:
    """Above the limit a connection is closed at once: it cannot hold the endpoint's memory."""

    def work(port: int) -> list[bytes]:
        crowd = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(metrics.MAX_CONNECTIONS + 3)]
        last = [sock.recv(1) for sock in crowd[-3:]]
        for sock in crowd:
            sock.close()
        return last

    assert serving(work) == [b"", b"", b""]


def test_a_taken_port() -> None:
    """A port that somebody else has is logged with its address, and is no reason to fail."""
    with socket.socket() as taken, captured() as log:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        start: Coroutine[Any, Any, Any] = metrics.start(listen, node(), inspectors, Hub())
        assert asyncio.run(start) is None
    (event,) = log.events()
    assert (event["level"], event["listen"]) == ("error", listen)
    assert "in use" in event["error"]


def test_off() -> None:
    """An empty address turns the metrics off, silently."""
    with captured() as log:
        assert asyncio.run(metrics.start("", node(), inspectors, Hub())) is None
    assert log.events() == []


def test_costs_and_delays() -> None:
    """What the BPF programs cost, and how long events took to be stored, in seconds."""
    made = scrape(metrics.generate_latest(registry(node())).decode())
    assert made["cowitness_program_runs_total", "on_call"] == 12
    assert made["cowitness_program_seconds_total", "on_call"] == 3
    assert made["cowitness_event_stored_seconds_bucket", "0.001"] == 1
    assert made["cowitness_event_stored_seconds_count",] == 3
    assert made["cowitness_event_stored_seconds_sum",] == 2.5
    assert made["cowitness_event_read_seconds_count",] == 0


def registry(view: Node) -> metrics.CollectorRegistry:
    made = metrics.CollectorRegistry(auto_describe=False)
    made.register(metrics.NodeCollector(view, inspectors, Hub()))
    return made
