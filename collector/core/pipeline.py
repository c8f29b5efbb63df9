"""From testimony to record: two bounded queues in, one consumer that correlates, stores, confirms and publishes.

Nothing is confirmed or published before it is committed.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from collector.core.link import Evidence
from collector.core.queues import Delivery, EvidenceQueue, KernelQueue
from collector.core.saving import Changes, Saver, Store
from collector.correlate.floods import Floods
from collector.model import AttackTrace, LoginEvent, Request, RequestReport
from probes.vocabulary import DELAYS, KernelEvent

ROUND_EVENTS = 4_000
ROUND_EVIDENCE = 64
ROUND_SECONDS = 0.02
"""How long a round may keep the loop to itself: callers, agents and probes wait meanwhile. It takes one piece of each
kind in any case."""

GATHER = 0.02
"""Seconds in which kernel events gather into one round; evidence does not wait for it."""

TICK = 1.0
"""Seconds after which the correlator is told that nothing came: time passes for what waits for more, and for counters
that are to be written."""

log = structlog.get_logger()


class Correlator(Protocol):
    """The part of correlate.Correlator that the pipeline needs."""

    def on_report(self, report: RequestReport) -> Iterable[AttackTrace]: ...

    def on_clean(self, request_ids: Sequence[str]) -> object: ...

    def on_kin(self, requests: Sequence[Request]) -> Iterable[AttackTrace]: ...

    def on_login(self, event: LoginEvent) -> LoginEvent: ...

    def concerns(self, request_id: str) -> bool: ...

    def on_kernel(self, events: Sequence[KernelEvent]) -> tuple[Iterable[AttackTrace], Iterable[LoginEvent]]: ...


class Observer(Protocol):
    """Hears every report besides the correlator, and has traces of its own (core.responses.Responses)."""

    def on_report(self, report: RequestReport) -> None: ...

    def due(self, everything: bool = False) -> list[AttackTrace]: ...


class Hub(Protocol):
    """The part of hub.Hub that the pipeline needs."""

    def publish(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None: ...


class Delays:
    """How long after they happened kernel events were stored: counts by the bounds of DELAYS (the last: later), and
    nanoseconds in all."""

    def __init__(self) -> None:
        self.counts, self.total = [0] * (len(DELAYS) + 1), 0

    def observe(self, times: Iterable[int]) -> None:
        """These events (ns since the epoch) are stored now."""
        now = time.time_ns()
        for one in times:
            self.counts[bisect_left(DELAYS, (now - one) / 1e9)] += 1
            self.total += max(0, now - one)


class Pipeline:
    """The queues and their consumer. `dropped` and `handled` are totals by (stage, reason) and by kind; `lost` are the
    dropped kernel events by their kind."""

    def __init__(self, correlator: Correlator, store: Store, hub: Hub, floods: Floods | None = None) -> None:
        self._correlator, self._hub = correlator, hub
        self.floods = floods or Floods()
        self.observer: Observer | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.handled: Counter[str] = Counter()
        self._evidence = EvidenceQueue()
        self._kernel = KernelQueue(correlator.concerns, self.dropped)
        self._saver = Saver(store, self.dropped, self.handled)
        self.stored_after = Delays()

    @property
    def lost(self) -> Counter[str]:
        return self._kernel.lost

    def put_evidence(self, delivery: Delivery, resume: Callable[[], None]) -> bool:
        """Queue evidence; False when the sender should pause until `resume` is called."""
        self._wake.set()
        return self._evidence.put(delivery, resume)

    def put_kernel(self, events: list[KernelEvent]) -> None:
        """Queue kernel events; those that find no room are dropped and counted."""
        if self._kernel.put(events):
            self._wake.set()

    def depths(self) -> dict[str, int]:
        """How much waits, by queue."""
        return {"evidence": len(self._evidence), "kernel_events": self._kernel.events}

    async def run(self) -> None:
        """Work until `stop` was called and the queues are empty."""
        while True:
            if not self._evidence and not self._kernel:
                if self._stopping:
                    await self._round(last=True)
                    return
                await self._wait()
            await self._gather()
            await self._round()

    async def _wait(self) -> None:
        """Until something comes; an empty batch comes every second."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), TICK)
        except TimeoutError:
            self._kernel.tick()

    def stop(self) -> None:
        """Let `run` return when the queues are empty."""
        self._stopping = self._saver.stopping = True
        self._wake.set()

    def close(self) -> None:
        """Wait for the save that is under way."""
        self._saver.close()

    async def _gather(self) -> None:
        """Let kernel events gather for a moment, unless evidence waits."""
        end = time.monotonic() + GATHER
        while not self._evidence and not self._stopping and self._kernel.events < ROUND_EVENTS:
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), max(0.0, end - time.monotonic()))
            except TimeoutError:
                return

    async def _round(self, last: bool = False) -> None:
        changes = Changes()
        self._take_due(changes, last)
        self._take_kernel(changes)
        deliveries = self._take_evidence(changes)
        if changes and not await self._saver.save(changes):
            return
        self.stored_after.observe(changes.event_times)
        for delivery in deliveries:
            delivery.stored()
        if changes:
            self._hub.publish(list(changes.traces.values()), list(changes.logins.values()))
        self._evidence.resume()
        await asyncio.sleep(0)

    def _take_due(self, changes: Changes, everything: bool) -> None:
        """Traces whose counters have grown."""
        for trace in self.floods.due(everything):
            changes.trace(trace)
        for trace in self.observer.due(everything) if self.observer else ():
            self._keep(trace, changes)

    def _take_kernel(self, changes: Changes) -> None:
        count, end = 0, time.monotonic() + ROUND_SECONDS
        while self._kernel and count < ROUND_EVENTS and (not count or time.monotonic() < end):
            events = self._kernel.take()
            count += len(events)
            self._guarded("kernel_events", len(events), self._on_kernel, events, changes)

    def _on_kernel(self, events: list[KernelEvent], changes: Changes) -> None:
        traces, logins = self._correlator.on_kernel(events)
        changed = set[str]()
        for trace in traces:
            if self._keep(trace, changes):
                changed.add(trace.id)
        changes.event_times += [event.time for event in events if event.request_id in changed]
        for login in logins:
            changes.login(login)

    def _take_evidence(self, changes: Changes) -> list[Delivery]:
        deliveries: list[Delivery] = []
        end = time.monotonic() + ROUND_SECONDS
        while self._evidence and len(deliveries) < ROUND_EVIDENCE and (not deliveries or time.monotonic() < end):
            delivery = self._evidence.take()
            deliveries.append(delivery)
            self._on_evidence(delivery.evidence, changes)
        return deliveries

    def _on_evidence(self, evidence: Evidence, changes: Changes) -> None:
        for report in evidence.reports:
            self._guarded("reports", 1, self._on_report, report, changes)
            if self.observer is not None:
                self._guarded("observed", 1, self.observer.on_report, report)
        for login in evidence.logins:
            self._guarded("logins", 1, lambda e: changes.login(self._correlator.on_login(e)), login)
        if evidence.clean:
            self._guarded("clean", len(evidence.clean), self._correlator.on_clean, evidence.clean)
        if evidence.kin:
            self._guarded("kin", len(evidence.kin), self._on_kin, evidence.kin, changes)

    def _on_report(self, report: RequestReport, changes: Changes) -> None:
        for trace in self._correlator.on_report(report):
            self._keep(trace, changes)

    def _on_kin(self, requests: Sequence[Request], changes: Changes) -> None:
        for trace in self._correlator.on_kin(requests):
            self._keep(trace, changes)

    def _keep(self, trace: AttackTrace | None, changes: Changes) -> bool:
        """Whether a trace is to be stored: what only adds to a flood is counted instead."""
        kept = self.floods.admit(trace) if trace is not None else None
        changes.trace(kept)
        return kept is not None

    def _guarded(self, kind: str, count: int, work: Callable[..., object], *arguments: object) -> None:
        """An error in the correlator costs what it was about, is counted and said, and nothing else."""
        self.handled[kind] += count
        try:
            work(*arguments)
        except Exception:
            self.dropped["correlate", f"{kind}_error"] += count
            log.exception("the correlator failed", kind=kind, count=count)
