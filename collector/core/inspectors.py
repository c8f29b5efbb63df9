"""The core's end of the links: what inspectors say goes to the registry, the probes and the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec
import structlog

from collector.core import link
from collector.core.agents import Agents
from collector.core.pipeline import Pipeline
from collector.core.probe_source import ProbeSource
from collector.core.queues import Delivery
from collector.inventory import Agent
from collector.policy.document import Policy
from collector.wire import frames
from collector.wire.frames import FrameError, Head, Splitter

GRACE = 5.0
"""Seconds after the last connection of a process before the kernel side forgets it: reconnects are common."""

MAX_WAITING = 4096

log = structlog.get_logger()


class Inspectors:
    """All links, and the registrations that agents wait for."""

    def __init__(self, agents: Agents, probes: ProbeSource, pipeline: Pipeline) -> None:
        self._agents, self._probes, self._pipeline = agents, probes, pipeline
        self._links: dict[int, InspectorLink] = {}
        self._waiting: dict[int, list[Callable[[bool], None]]] = {}
        self.stats: dict[int, link.Stats] = {}
        self.past = link.Stats({}, 0, 0)
        self._policy = Policy()
        self._applied: dict[int, int] = {}
        self._change = asyncio.Event()
        probes.on_registered = self._registered
        probes.on_lost = self._probes_lost

    def attach(self, number: int) -> InspectorLink:
        """The protocol for the link to inspector `number`."""
        if (before := self._links.get(number)) is not None:
            self.detach(number, before)
        self._links[number] = InspectorLink(number, self, self._pipeline)
        return self._links[number]

    def detach(self, number: int, lost: InspectorLink) -> None:
        """An inspector is gone: so are its agents' connections, for now; its totals are kept."""
        if self._links.get(number) is not lost:
            return
        del self._links[number]
        self._applied.pop(number, None)
        if (stats := self.stats.pop(number, None)) is not None:
            self.past = merged(self.past, msgspec.structs.replace(stats, connections=0, memory_bytes=0))
        self._release(self._agents.inspector_lost(number))

    def totals(self) -> link.Stats:
        """The totals of all inspectors, those that ended included."""
        total = self.past
        for stats in self.stats.values():
            total = merged(total, stats)
        return total

    def set_policy(self, policy: Policy) -> None:
        """Have every inspector judge by it, those that start later, too."""
        self._policy = policy
        for one in self._links.values():
            self.tell_policy(one)

    def tell_policy(self, one: InspectorLink) -> None:
        one.tell(link.POLICY, link.NewPolicy(self._policy))

    def applied(self, number: int, version: int) -> None:
        self._applied[number] = version
        self._change.set()

    async def policy_applied(self, patience: float) -> bool:
        """Wait until every inspector that is there judges by the latest policy; whether they do in time."""
        try:
            async with asyncio.timeout(patience):
                while any(self._applied.get(number, -1) < self._policy.version for number in self._links):
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            return False
        return True

    def want(self, request_id: str) -> None:
        """Have whoever holds this request report it, now or when it ends."""
        for one in self._links.values():
            one.tell(link.WANTED, link.Wanted([request_id]))

    def convicted(self, request_id: str) -> None:
        """The kernel has confirmed this request's attack."""
        for one in self._links.values():
            one.tell(link.CONVICTED, link.Convicted([request_id]))

    # what a link hears

    def opened(self, number: int, agent: Agent, answer: Callable[[bool], None]) -> None:
        pid = agent.process.pid
        self._agents.opened(number, agent)
        if pid <= 0 or not self._probes.running or len(self._waiting) >= MAX_WAITING:
            answer(False)
        else:
            self._waiting.setdefault(pid, []).append(answer)
            self._probes.register([pid])

    def closed(self, number: int, pid: int) -> None:
        if self._agents.closed(number, pid):
            self._release([pid])

    def status(self, agent: Agent) -> None:
        self._agents.status(agent)

    # inside

    def _registered(self, pids: list[int], witnessed: bool) -> None:
        """The kernel map changed, or does not know these processes."""
        for pid in pids:
            for answer in self._waiting.pop(pid, ()):
                answer(witnessed)
        self._tell_witnessed(self._agents.witnessed(pids, witnessed), witnessed)

    def _probes_lost(self) -> None:
        """Nobody is watched any more."""
        self._registered([*self._waiting, *self._agents.watched()], False)

    def _release(self, pids: list[int]) -> None:
        if pids:
            asyncio.get_running_loop().call_later(GRACE, self._unregister, pids)

    def _unregister(self, pids: list[int]) -> None:
        back = set(self._agents.connected())
        gone = [pid for pid in pids if pid not in back]
        if gone:
            self._tell_witnessed(self._agents.witnessed(gone, False), False)
            self._probes.unregister(gone)

    def _tell_witnessed(self, pids: list[int], witnessed: bool) -> None:
        if pids:
            for one in self._links.values():
                one.tell(link.WITNESSED, link.Witnessed(pids, witnessed))


class InspectorLink(asyncio.Protocol):
    """One link. Its peer is ours, so a bad frame is a bug: it is logged and the link closed, which restarts it."""

    def __init__(self, number: int, inspectors: Inspectors, pipeline: Pipeline) -> None:
        self._number, self._inspectors, self._pipeline = number, inspectors, pipeline
        self._splitter = Splitter(link.MAX_BODY)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for head, body in self._splitter.feed(data):
                self._take(head, body)
        except (FrameError, msgspec.MsgspecError, ValueError) as error:
            log.error("an inspector sent what we do not understand", inspector=self._number, error=str(error)[:200])
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inspectors.detach(self._number, self)

    def tell(self, kind: int, body: object, sequence: int = 0) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.encode(kind, sequence, body))

    def _take(self, head: Head, body: bytes) -> None:
        if head.kind == link.EVIDENCE:
            self._evidence(head.sequence, link.decode_evidence(body), len(body))
        elif head.kind == link.OPENED:
            sequence = head.sequence

            def answer(witnessed: bool) -> None:
                self.tell(link.REGISTERED, link.Registered(witnessed), sequence)

            self._inspectors.opened(self._number, link.decode_opened(body).agent, answer)
        elif head.kind == link.CLOSED:
            self._inspectors.closed(self._number, link.decode_closed(body).pid)
        elif head.kind == link.STATUS:
            self._inspectors.status(link.decode_status(body).agent)
        elif head.kind == link.STATS:
            self._inspectors.stats[self._number] = link.decode_stats(body)
        elif head.kind == link.APPLIED:
            self._inspectors.applied(self._number, link.decode_applied(body).version)

    def _evidence(self, sequence: int, evidence: link.Evidence, size: int) -> None:
        def stored() -> None:
            if evidence.needs_storing:
                self.tell(link.STORED, {}, sequence)

        if not self._pipeline.put_evidence(Delivery(evidence, size, stored), self._resume) and self._transport:
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


def merged(one: link.Stats, other: link.Stats) -> link.Stats:
    """The sum of two totals."""
    counters = {name: dict(labels) for name, labels in one.counters.items()}
    for name, labels in other.counters.items():
        mine = counters.setdefault(name, {})
        for label, count in labels.items():
            mine[label] = mine.get(label, 0) + count
    histograms = dict(one.histograms)
    for name, values in other.histograms.items():
        known = histograms.get(name)
        histograms[name] = [a + b for a, b in zip(known, values, strict=True)] if known else values
    return link.Stats(counters, one.connections + other.connections, one.memory_bytes + other.memory_bytes, histograms)
