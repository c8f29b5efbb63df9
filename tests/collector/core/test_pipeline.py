"""Evidence is stored before it is confirmed and published; errors of the correlator cost only their cause."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from collector.core import pipeline as module
from collector.core.link import Evidence
from collector.core.pipeline import Delays, Pipeline
from collector.core.queues import EVIDENCE_BYTES, Delivery
from collector.correlate import Correlator
from collector.correlate.floods import Floods
from collector.model import AttackTrace, LoginEvent, Verdict
from tests.collector.correlate.support import ID, finding, report, shell


class Store:
    """Keeps what is saved; fails with `problems` first; waits for `gate`."""

    def __init__(self) -> None:
        self.traces: dict[str, AttackTrace] = {}
        self.problems: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()

    def save(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        self.gate.wait(10)
        if self.problems:
            raise self.problems.pop(0)
        self.traces.update((trace.id, trace) for trace in traces)


class World:
    """A running pipeline; `log` is what happened in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.store, self.correlator = Store(), Correlator()
        self.pipeline = Pipeline(self.correlator, self.store, self)
        self.resumed = asyncio.Event()

    def publish(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        self.log.append("published")

    def put(self, *reports: Any, size: int = 100, clean: tuple[str, ...] = ()) -> bool:
        evidence = Evidence(reports or (report(),), (), clean)
        return self.pipeline.put_evidence(Delivery(evidence, size, lambda: self.log.append("stored")), self.resumed.set)

    async def drained(self) -> None:
        self.pipeline.stop()
        await asyncio.wait_for(self.running, 20)


def run(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        world = World()
        world.running = asyncio.create_task(world.pipeline.run())  # type: ignore[attr-defined]
        await test(world)
        world.running.cancel()  # type: ignore[attr-defined]
        world.pipeline.close()

    asyncio.run(main())


def test_stored_then_confirmed_then_published() -> None:
    """Nothing is confirmed or published before it is committed."""

    async def test(world: World) -> None:
        world.store.gate.clear()
        world.put()
        while world.pipeline.depths()["evidence"]:
            await asyncio.sleep(0.001)
        assert world.log == []
        world.store.gate.set()
        await world.drained()
        assert world.log == ["stored", "published"]
        assert world.store.traces[ID].verdict is Verdict.REACHED

    run(test)


def test_kernel_events_make_it_confirmed() -> None:
    """Events from the other queue end up on the same record."""

    async def test(world: World) -> None:
        world.pipeline.put_kernel([shell()])
        world.put()
        await world.drained()
        assert world.store.traces[ID].verdict is Verdict.CONFIRMED

    run(test)


def test_failing_store_is_tried_again() -> None:
    """While the store fails nothing is confirmed; when it works again nothing is lost."""

    async def test(world: World) -> None:
        world.store.problems = [sqlite3.OperationalError("disk is full")]
        world.put()
        await world.drained()
        assert world.log == ["stored", "published"]
        assert ID in world.store.traces

    run(test)


def test_correlator_error() -> None:
    """An error in the correlator costs the report that caused it."""

    async def test(world: World) -> None:
        bad = replace(report(request_id="2" * 16), findings=(None,))  # type: ignore[arg-type]
        world.put(bad, report())
        await world.drained()
        assert list(world.store.traces) == [ID]
        assert world.pipeline.dropped["correlate", "reports_error"] == 1

    run(test)


def test_a_round_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over a round ends with what it has: callers get their turn before the rest is taken."""
    monkeypatch.setattr(module, "ROUND_SECONDS", 0)

    async def test(world: World) -> None:
        for digit in "123":
            world.put(report(request_id=digit * 16))
        await world.drained()
        assert world.log == ["stored", "published"] * 3

    run(test)


def test_links_are_paused_and_resumed() -> None:
    """Too much waiting evidence pauses its sender; room again resumes it; none of it is dropped."""

    async def test(world: World) -> None:
        assert world.put(size=1000)
        assert not world.put(report(request_id="2" * 16), size=EVIDENCE_BYTES)
        await asyncio.wait_for(world.resumed.wait(), 20)
        await world.drained()
        assert len(world.store.traces) == 2

    run(test)


def test_store_failing_at_the_end() -> None:
    """When the daemon ends while the store fails, the pipeline ends too and confirms nothing."""

    async def test(world: World) -> None:
        world.store.problems = [sqlite3.OperationalError("disk is full")] * 10
        world.put()
        await world.drained()
        assert world.log == []
        assert world.pipeline.dropped["store", "failed_at_stop"] == 1

    run(test)


def test_delays() -> None:
    """Events are counted by how long ago they happened, in seconds; the clock of another host may run ahead."""
    delays = Delays()
    delays.observe([time.time_ns() - 3 * 10**9, time.time_ns() - 30 * 10**6, time.time_ns() + 10**9])
    assert (delays.counts[0], delays.counts[-1], sum(delays.counts)) == (1, 1, 3)
    assert 3 * 10**9 < delays.total < 10 * 10**9


def test_a_flood_is_counted_and_the_counter_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 500 refusals the first 60 are stored, all are confirmed to their agents, and at the end the last one that is
    stored says how many more came; a confirmed attack among them is stored."""
    monkeypatch.setattr(module, "TICK", 0.01)

    async def test(world: World) -> None:
        world.pipeline.floods = Floods(recall=world.store.traces.get)
        for number in range(1, 501):
            refused = finding(Verdict.ATTEMPTED, "policy", operation_index=-1)
            world.put(report(refused, request_id=f"{number:016x}", client_address="203.0.113.7"))
        world.pipeline.put_kernel([shell()])
        world.put(report(client_address="203.0.113.7"))
        await world.drained()
        assert world.log.count("stored") == 501
        assert sorted(world.store.traces) == sorted([*(f"{number:016x}" for number in range(1, 61)), ID])
        assert world.store.traces[f"{60:016x}"].repeats == 440
        assert world.store.traces[ID].verdict is Verdict.CONFIRMED

    run(test)
