"""An inspector in this process: real sockets, a judge of a few lines, a fake core at the other end of the link."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Callable, Container, Coroutine
from typing import Any

import uvloop

from collector.core import link
from collector.inspector.connection import Connection
from collector.inspector.corelink import CoreLink
from collector.inspector.counters import Counters
from collector.inspector.crowd import Crowd
from collector.inspector.desk import Desk
from collector.inspector.limits import Limits
from collector.inspector.views import Views
from collector.inspector.worker import Worker
from collector.model import Finding, Operation, Peer, Process, Request, RequestReport, Verdict
from collector.policy.compiled import Compiled
from collector.wire import agent as wire
from collector.wire import frames

HEADER = struct.Struct(">IBBHI")


class TinyJudge:
    """An attack is a semicolon in the query; it is reached where an operation holds one too."""

    def request_view(self, record: wire.RequestRecord, process: Process) -> Request:
        peer = Peer(record.peer.address, record.peer.port)
        return Request(record.request_id, start_time=record.start_time, path=record.path, peer=peer, process=process)

    def plain_report(self, record: wire.RequestRecord, process: Process) -> RequestReport:
        return RequestReport(self.request_view(record, process), ())

    def report(self, record: wire.RequestRecord, process: Process, final: bool) -> RequestReport | None:
        if record.method == "EXPLODE":
            raise ZeroDivisionError
        if ";" not in record.query:
            return None
        operations = tuple(Operation(one.index, one.kind, text=one.text) for one in record.operations)
        reached = any(";" in one.text for one in operations)
        stages = (Verdict.ATTEMPTED, Verdict.REACHED) if reached else (Verdict.ATTEMPTED,)
        findings = tuple(Finding("r-1", "rule", "command_injection", stage) for stage in stages)
        return RequestReport(self.request_view(record, process), findings, operations, final)

    policy = Compiled()
    convicted: Container[str] = ()

    def asks_responses(self, service: str) -> bool:
        return False

    def verdict(self, ask: wire.Ask, process: Process, mode: str) -> wire.Verdict:
        if ask.request.method == "EXPLODE":
            raise ZeroDivisionError
        return wire.Verdict("block" if mode == "block" and ";" in ask.request.query else "allow")


def record(request_id: str = "1" * 16, query: str = "a=;", phase: str = "end", **fields: Any) -> dict[str, Any]:
    return {"type": "request", "phase": phase, "request_id": request_id, "query": query, **fields}


class FakeCore(asyncio.Protocol):
    """The core's end: keeps what it hears, answers as told. `witnessed` None: OPENED stays without an answer."""

    def __init__(self) -> None:
        self.witnessed: bool | None = True
        self.storing = True
        self.heard: list[tuple[int, Any]] = []
        self.unstored: list[int] = []
        self._splitter = frames.Splitter(link.MAX_BODY)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for head, body in self._splitter.feed(data):
            self.heard.append((head.kind, json.loads(body)))
            if head.kind == link.OPENED and self.witnessed is not None:
                self.tell(link.REGISTERED, link.Registered(self.witnessed), head.sequence)
            elif head.kind == link.EVIDENCE and head.sequence:
                self.unstored.append(head.sequence)
                if self.storing:
                    self.store()

    def store(self) -> None:
        """Confirm everything that waits."""
        while self.unstored:
            self.tell(link.STORED, {}, self.unstored.pop(0))

    def tell(self, kind: int, body: object, sequence: int = 0) -> None:
        self.transport.write(frames.encode(kind, sequence, body))

    def told(self, kind: int) -> list[Any]:
        return [body for heard, body in self.heard if heard == kind]


class Client:
    """An agent's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sequence = 0

    def send(self, kind: int, body: object) -> int:
        self.sequence += 1
        self.raw(frame(kind, json.dumps(body).encode(), sequence=self.sequence))
        return self.sequence

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self) -> tuple[int, int, Any]:
        """Kind, sequence, body; IncompleteReadError at the end."""
        async with asyncio.timeout(10):
            length, kind, _, _, sequence = HEADER.unpack(await self.reader.readexactly(HEADER.size))
            return kind, sequence, json.loads(await self.reader.readexactly(length))

    async def ask(self, kind: int, body: object) -> tuple[int, Any]:
        """Kind and body of the answer with our sequence number."""
        sequence = self.send(kind, body)
        while True:
            answer = await self.read()
            if answer[1] == sequence or answer[0] == frames.ERROR:
                return answer[0], answer[2]

    async def hello(self, **fields: Any) -> Any:
        return (await self.ask(frames.HELLO, {"pid": os.getpid(), **fields}))[1]

    async def ended(self) -> str:
        """The ERROR code with which the inspector closed; empty where it said none."""
        code = ""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, _, body = await self.read()
                code = body["code"] if kind == frames.ERROR else code
        return code


class Inspector:
    """Everything that inspector/main.py builds, with a fake core."""

    def __init__(self, path: str, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.counters, self.fake = Counters(), FakeCore()
        self.crowd, self.views = Crowd(limits), Views(limits)
        self.core = CoreLink(self.counters, lambda: None)
        self.worker = Worker(TinyJudge(), self.views, self.counters, lambda: self.core.has_room)
        self.core.on_room = self.worker.resume
        setup = link.Setup({}, "host")
        self.desk = Desk(TinyJudge(), self.worker, self.core, self.crowd, self.counters, setup)

    async def client(self) -> Client:
        return Client(*await asyncio.open_unix_connection(self.path))

    async def until(self, condition: Callable[[], Any]) -> None:
        """Give the loop turns until it holds."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def inspector(limits: Limits | None = None) -> AsyncIterator[Inspector]:
    """A running one."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="cw-") as directory:
        it = Inspector(directory + "/agent.sock", limits or Limits())
        ours, theirs = socket.socketpair()
        await loop.create_unix_connection(lambda: it.core, sock=ours)
        await loop.create_unix_connection(lambda: it.fake, sock=theirs)
        server = await loop.create_unix_server(
            lambda: Connection(it.desk, it.crowd, it.counters, it.limits), path=it.path
        )
        work = asyncio.create_task(it.worker.run())
        try:
            yield it
        finally:
            server.close()
            work.cancel()


def run(test: Callable[[Inspector], Coroutine[Any, Any, None]], limits: Limits | None = None) -> None:
    """Run a test's coroutine with an inspector, on the loop that production uses."""

    async def main() -> None:
        async with inspector(limits) as it:
            await test(it)

    uvloop.run(main())


def frame(kind: int, body: bytes, version: int = 1, length: int | None = None, sequence: int = 1) -> bytes:
    return HEADER.pack(len(body) if length is None else length, kind, version, 0, sequence) + body
