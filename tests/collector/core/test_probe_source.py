"""The core's end of the probe socket, spoken to over a real one."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from collector.core.probe_source import ProbeSource
from collector.wire import frames
from probes import vocabulary
from tests.collector.correlate.support import shell

HEADER = struct.Struct(">IBBHI")


class Probes:
    """A probe process by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, kind: int, body: object, sequence: int = 0) -> None:
        self.writer.write(frames.encode(kind, sequence, body))

    def hello(self, reason: str = "") -> None:
        able = [vocabulary.Capability("tracepoints", not reason, reason)]
        self.send(vocabulary.PROBE_HELLO, vocabulary.ProbeHello(1, "h", "6.1", "x86_64", "0", able))

    async def read(self) -> tuple[int, int, Any]:
        async with asyncio.timeout(10):
            length, kind, _, _, sequence = HEADER.unpack(await self.reader.readexactly(HEADER.size))
            return kind, sequence, json.loads(await self.reader.readexactly(length))

    async def error(self) -> str:
        """The code of the ERROR that closes the connection."""
        kind, _, body = await self.read()
        assert kind == frames.ERROR
        assert await self.reader.read() == b""
        return str(body["code"])


class World:
    def __init__(self, path: str) -> None:
        self.path = path
        self.events: list[vocabulary.KernelEvent] = []
        self.connected = [7]
        self.registered: list[tuple[list[int], bool]] = []
        self.source = ProbeSource(self.events.extend, lambda: self.connected)
        self.source.on_registered = lambda pids, witnessed: self.registered.append((pids, witnessed))

    async def probes(self) -> Probes:
        return Probes(*await asyncio.open_unix_connection(self.path))

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)


Test = Callable[[World], Coroutine[Any, Any, None]]


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Test], None]:
    def runner(test: Test) -> None:
        async def main() -> None:
            world = World(str(tmp_path_factory.mktemp("p") / "probe.sock"))
            server = await asyncio.get_running_loop().create_unix_server(world.source.accept, path=world.path)
            await test(world)
            server.close()

        asyncio.run(main())

    return runner


def test_greeting_registers_everybody(run: Callable[[Test], None]) -> None:
    """Probes that arrive are told the connected processes; DONE says who is watched and who is unknown."""

    async def test(world: World) -> None:
        world.connected = [7, 8]
        probes = await world.probes()
        probes.hello()
        kind, sequence, body = await probes.read()
        assert (kind, body) == (vocabulary.REGISTER, {"pids": [7, 8]})
        probes.send(vocabulary.DONE, vocabulary.Done([8]), sequence)
        await world.until(lambda: len(world.registered) == 2)
        assert world.registered == [([7], True), ([8], False)]
        assert world.source.running
        assert world.source.explanation() == ""

    run(test)


def test_events_and_totals(run: Callable[[Test], None]) -> None:
    """Events are handed on, totals kept."""

    async def test(world: World) -> None:
        probes = await world.probes()
        probes.hello()
        probes.send(vocabulary.EVENTS, vocabulary.Events([shell()]))
        probes.send(vocabulary.PROBE_STATS, vocabulary.ProbeStats({"exec": 1}, {}, 5, 1))
        await world.until(lambda: world.source.stats)
        assert world.events == [shell()]

    run(test)


def test_a_kernel_that_refuses(run: Callable[[Test], None]) -> None:
    """Probes without their programs do not count as running; the reason is theirs, also after they ended."""

    async def test(world: World) -> None:
        probes = await world.probes()
        probes.hello("bpf: Operation not permitted")
        await world.until(lambda: world.source.hello)
        assert not world.source.running
        assert world.source.explanation() == "bpf: Operation not permitted"
        probes.writer.close()
        await world.until(lambda: world.source.hello is None)
        assert world.source.refusal == "bpf: Operation not permitted"

    run(test)


def test_lost(run: Callable[[Test], None]) -> None:
    """When they go, whoever waits is told."""

    async def test(world: World) -> None:
        lost = asyncio.Event()
        world.source.on_lost = lost.set
        probes = await world.probes()
        probes.hello()
        await world.until(lambda: world.source.running)
        probes.writer.close()
        await asyncio.wait_for(lost.wait(), 10)
        assert world.source.explanation() == "the probe process is gone"

    run(test)


def test_a_new_one_replaces(run: Callable[[Test], None]) -> None:
    """One probe process at a time: the latest."""

    async def test(world: World) -> None:
        old, new = await world.probes(), await world.probes()
        old.hello()
        await old.read()
        new.hello()
        await new.read()
        assert await old.reader.read() == b""
        assert world.source.running

    run(test)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames.encode(vocabulary.EVENTS, 0, {"events": []}), "no_hello"),
        (frames.encode(vocabulary.PROBE_HELLO, 0, {"pid": "x"}), "bad_body"),
        (frames.HEADER.pack(1 << 30, 33, 1, 0, 0), "too_large"),
        (b"GET / HTTP/1.1\r\n\r\n", "bad_version"),
    ],
)
def test_bad_peer(run: Callable[[Test], None], data: bytes, code: str) -> None:
    """What is no probe process gets an ERROR and is closed and counted; another one is served."""

    async def test(world: World) -> None:
        bad = await world.probes()
        bad.writer.write(data)
        assert await bad.error() == code
        assert world.source.problems[code] == 1
        good = await world.probes()
        good.hello()
        await world.until(lambda: world.source.running)

    run(test)
