"""Links to inspectors: registrations, evidence, totals."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from collector.core import link
from collector.core.agents import Agents
from collector.core.inspectors import Inspectors, merged
from collector.core.node import NodeView
from collector.core.pipeline import Delays
from collector.core.probe_source import ProbeSource
from collector.core.queues import Delivery
from collector.inventory import Agent
from collector.model import Process
from collector.wire import frames
from tests.collector.correlate.support import report


class Probes(ProbeSource):
    """Probes that run and note what they are asked."""

    def __init__(self) -> None:
        super().__init__(lambda events: None, list)
        self.asked: list[tuple[str, list[int]]] = []
        self.up = True

    @property
    def running(self) -> bool:
        return self.up

    def register(self, pids: list[int]) -> None:
        self.asked.append(("register", pids))

    def unregister(self, pids: list[int]) -> None:
        self.asked.append(("unregister", pids))


class Pipeline:
    """Notes evidence; says that it has room or not."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.resumes: list[Callable[[], None]] = []
        self.room = True
        self.handled: dict[str, int] = {}
        self.dropped: dict[tuple[str, str], int] = {}
        self.lost: Counter[str] = Counter()
        self.stored_after = Delays()

    def depths(self) -> dict[str, int]:
        return {}

    def put_evidence(self, delivery: Delivery, resume: Callable[[], None]) -> bool:
        self.deliveries.append(delivery)
        self.resumes.append(resume)
        return self.room


class World:
    def __init__(self) -> None:
        self.agents, self.probes, self.pipeline = Agents(), Probes(), Pipeline()
        self.inspectors = Inspectors(self.agents, self.probes, self.pipeline)  # type: ignore[arg-type]

    async def link(self, number: int) -> Link:
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().create_unix_connection(lambda: self.inspectors.attach(number), sock=ours)
        return Link(*await asyncio.open_unix_connection(sock=theirs))

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)


class Link:
    """An inspector by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, kind: int, body: object, sequence: int = 0) -> None:
        self.writer.write(frames.encode(kind, sequence, body))

    async def read(self) -> tuple[int, int, Any]:
        async with asyncio.timeout(10):
            head = frames.decode_head(await self.reader.readexactly(12))
            return head.kind, head.sequence, json.loads(await self.reader.readexactly(head.length))

    def opened(self, pid: int, sequence: int) -> None:
        self.send(link.OPENED, link.Opened(Agent(Process(pid=pid))), sequence)


def run(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await test(World())

    asyncio.run(main())


def test_registered_when_the_kernel_says_so() -> None:
    """OPENED is answered when the kernel map has changed; the other inspectors hear it too."""

    async def test(world: World) -> None:
        one, other = await world.link(0), await world.link(1)
        one.opened(7, 5)
        await world.until(lambda: world.probes.asked)
        world.probes.on_registered([7], True)
        assert await one.read() == (link.REGISTERED, 5, {"witnessed": True})
        assert await other.read() == (link.WITNESSED, 0, {"pids": [7], "witnessed": True})
        assert world.agents.is_witnessed(7)

    run(test)


def test_no_probes() -> None:
    """Without probes the answer is no, at once."""

    async def test(world: World) -> None:
        world.probes.up = False
        one = await world.link(0)
        one.opened(7, 5)
        assert await one.read() == (link.REGISTERED, 5, {"witnessed": False})

    run(test)


def test_probes_lost() -> None:
    """Whoever waits gets a no, whoever was watched is told that it no longer is."""

    async def test(world: World) -> None:
        one = await world.link(0)
        one.opened(7, 5)
        one.opened(8, 6)
        await world.until(lambda: len(world.probes.asked) == 2)
        world.probes.on_registered([7], True)
        world.probes.on_lost()
        answers = [await one.read() for _ in range(4)]
        assert (link.REGISTERED, 6, {"witnessed": False}) in answers
        assert answers[-1] == (link.WITNESSED, 0, {"pids": [7], "witnessed": False})

    run(test)


def test_evidence_is_confirmed_when_stored() -> None:
    """STORED carries the sequence of its evidence; what needs no storing is not answered."""

    async def test(world: World) -> None:
        one = await world.link(0)
        one.send(link.EVIDENCE, link.Evidence(clean=("1" * 16,)), 4)
        one.send(link.EVIDENCE, link.Evidence(reports=(report(),)), 5)
        await world.until(lambda: len(world.pipeline.deliveries) == 2)
        for delivery in world.pipeline.deliveries:
            delivery.stored()
        assert await one.read() == (link.STORED, 5, {})
        assert world.pipeline.deliveries[1].evidence.reports == (report(),)

    run(test)


def test_full_pipeline_pauses_the_link() -> None:
    """While the pipeline has no room nothing more is read; afterwards all of it is."""

    async def test(world: World) -> None:
        one, other = await world.link(0), await world.link(1)
        world.pipeline.room = False
        one.send(link.EVIDENCE, link.Evidence(reports=(report(),)), 1)
        await world.until(lambda: world.pipeline.deliveries)
        one.send(link.EVIDENCE, link.Evidence(reports=(report(),)), 2)
        world.pipeline.room = True
        other.opened(9, 1)
        await world.until(lambda: world.agents.connected() == [9])
        assert len(world.pipeline.deliveries) == 1
        world.pipeline.resumes[0]()
        await world.until(lambda: len(world.pipeline.deliveries) == 2)

    run(test)


def test_lost_inspector() -> None:
    """Its agents are disconnected, its totals stay."""

    async def test(world: World) -> None:
        one = await world.link(0)
        one.opened(7, 5)
        one.send(link.STATS, link.Stats({"hostile": {"too_large": 3}}, 5, 1000))
        await world.until(lambda: world.inspectors.stats)
        one.writer.close()
        await world.until(lambda: not world.agents.connected())
        totals = world.inspectors.totals()
        assert (totals.counters, totals.connections, totals.memory_bytes) == ({"hostile": {"too_large": 3}}, 0, 0)

    run(test)


def test_garbage_closes_the_link() -> None:
    """An inspector that was taken over and sends what is no frame of ours is cut off."""

    async def test(world: World) -> None:
        one = await world.link(0)
        one.send(link.EVIDENCE, {"reports": [{"request": 7}]}, 1)
        assert await one.reader.read() == b""
        assert world.pipeline.deliveries == []

    run(test)


def test_merged_totals() -> None:
    """Counters and histograms add up."""
    one = link.Stats({"a": {"x": 1}}, 1, 10, {"verdict": [1, 2]})
    other = link.Stats({"a": {"x": 2, "y": 3}}, 2, 20, {"verdict": [3, 4]})
    assert merged(one, other) == link.Stats({"a": {"x": 3, "y": 3}}, 3, 30, {"verdict": [4, 6]})


def test_node_view() -> None:
    """The node says why nobody testifies in the kernel: the configuration's reason goes before the probes'."""
    world = World()
    source = ProbeSource(lambda events: None, list)
    node = NodeView(world.agents, source, world.inspectors, world.pipeline)  # type: ignore[arg-type]
    assert node.hosts()[0].probes_reason == "the probes have not connected yet"
    node.probes_off = lambda: "turned off by the configuration"
    (host,) = node.hosts()
    assert (host.probes_running, host.probes_reason) == (False, "turned off by the configuration")
    assert host.counters["memory.core"] > 0
