"""What a node says of itself: its agents, its host, its totals."""

from __future__ import annotations

import os
import platform
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import metadata
from itertools import accumulate

from collector.core.agents import Agents
from collector.core.enforcement import Enforcement
from collector.core.inspectors import Inspectors
from collector.core.pipeline import Pipeline
from collector.core.probe_source import ProbeSource
from collector.enforcement_settings import policy_of
from collector.inventory import Agent, Edge, Host, PoliciesInForce
from probes.vocabulary import DELAYS, Mode


class NodeView:
    """Read by the API and by the metrics. `probes_off`: why no probe process was started; empty when one was.
    `more`: totals of parts that this module does not know; `edges`: who talks to whom."""

    def __init__(self, agents: Agents, probes: ProbeSource, inspectors: Inspectors, pipeline: Pipeline) -> None:
        self._agents, self._probes = agents, probes
        self._inspectors, self._pipeline = inspectors, pipeline
        self._start = time.time_ns()
        self.probes_off: Callable[[], str] = lambda: ""
        self.more: Callable[[], dict[str, int]] = dict
        self.enforcement: Enforcement | None = None
        self.edges: Callable[[], list[Edge]] = list

    @property
    def name(self) -> str:
        """The host's, which may change meanwhile."""
        return host_name()

    def agents(self) -> list[Agent]:
        """App processes under the agent, the latest first."""
        return self._agents.listed()

    def hosts(self) -> list[Host]:
        """This host, the only one of a node."""
        system, hello = os.uname(), self._probes.hello
        return [
            Host(
                host=self.name, os_description=os_description(), kernel_release=system.release,
                architecture=system.machine, probes_running=self._probes.running, probes_reason=self.reason(),
                capabilities=tuple(hello.capabilities) if hello else (), counters=self.counters(),
                collector_version=version(), start_time=self._start,
            )
        ]  # fmt: skip

    def left_out(self, request_id: str) -> str:
        """Why this request has no trace, where it had one if there were fewer of its kind."""
        fate = self._pipeline.floods.fate(request_id)
        if fate is None:
            return ""
        counted = f"; trace {fate} counts it" if fate else ""
        return f"the trace {request_id} was not kept, as more came than [floods] keeps{counted}"

    def in_force(self) -> PoliciesInForce:
        """The policies, and how far they are in force."""
        if self.enforcement is None:
            return PoliciesInForce("off")
        policies = tuple((one.service, policy_of(one)) for one in self.enforcement.policies)
        return PoliciesInForce(self.enforcement.mode, self.enforcement.reason, policies)

    async def switch(self, mode: Mode) -> None:
        """Cap every policy's mode."""
        if self.enforcement is not None:
            await self.enforcement.switch(mode)

    def reason(self) -> str:
        """Why the kernel side does not testify; empty while it does."""
        return self._probes.explanation() and (self.probes_off() or self._probes.explanation())

    def counters(self) -> dict[str, int]:
        """Totals by dotted name; memory in bytes."""
        totals = {f"handled.{kind}": count for kind, count in self._pipeline.handled.items()}
        totals |= {f"dropped.{stage}.{reason}": n for (stage, reason), n in self._pipeline.dropped.items()}
        totals |= self._lost()
        totals |= {f"queued.{queue}": depth for queue, depth in self._pipeline.depths().items()}
        inspectors = self._inspectors.totals()
        for name, labels in inspectors.counters.items():
            totals |= {f"agent.{name}.{label}" if label else f"agent.{name}": n for label, n in labels.items()}
        totals["agent.open_connections"] = inspectors.connections
        totals["memory.core"], totals["memory.inspectors"] = resident_bytes(), inspectors.memory_bytes
        if stats := self._probes.stats:
            totals |= {f"kernel_events.{kind}": count for kind, count in stats.events.items()}
            totals |= {f"dropped.probes.{reason}": count for reason, count in stats.dropped.items()}
            totals |= {"memory.probes": stats.memory_bytes, "registered_processes": stats.registered}
            totals |= {"known_processes": stats.known_processes, "queued.probe_bytes": stats.waiting_bytes}
            totals |= {f"program_runs.{name}": runs for name, runs in stats.runs.items()}
            totals |= {f"program_ns.{name}": spent for name, spent in stats.run_ns.items()}
            totals |= delays("event_read", stats.delays, stats.delay_ns)
        totals |= delays("event_stored", self._pipeline.stored_after.counts, self._pipeline.stored_after.total)
        return totals | self.more()

    def _lost(self) -> dict[str, int]:
        """Kernel events that were dropped, by kind: before they came to us, and here."""
        stats = self._probes.stats
        lost = self._pipeline.lost + Counter(stats.lost if stats else {})
        return {f"lost_events.{kind}": count for kind, count in lost.items()}


def delays(name: str, counts: Sequence[int], total: int) -> dict[str, int]:
    """A histogram over DELAYS as totals: cumulative counts by upper bound in seconds, and the sum in ns."""
    bounds = [*map(str, DELAYS), "+Inf"]
    named = zip(bounds, accumulate(counts), strict=False)
    return {f"{name}.{bound}": count for bound, count in named} | {f"{name}.sum": total}


def host_name() -> str:
    return socket.gethostname()


def os_description() -> str:
    """The distribution's name for itself, else the kernel's."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def version() -> str:
    try:
        return metadata.version("cowitness")
    except metadata.PackageNotFoundError:
        return "0"


def resident_bytes() -> int:
    """The core's resident memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
