"""What a peer may do to an inspector, and what it costs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket

import pytest

from collector.core import link
from collector.inspector.limits import Limits
from collector.wire import frames
from tests.collector.inspector.support import Inspector, frame, record, run

HOSTILE = {
    "random bytes": (random.Random(7).randbytes(65536), ""),
    "huge length": (frame(1, b"", length=0xFFFFFFFF), "too_large"),
    "wrong version": (frame(1, b"{}", version=9), "bad_version"),
    "reserved field": (b"\0\0\0\2\1\1\0\1\0\0\0\1{}", "bad_header"),
    "not json": (frame(1, b"\xff\xfe{{"), "bad_body"),
    "wrong types": (frame(1, b'{"pid": "one"}'), "bad_body"),
    "deep json": (frame(1, b'{"pid":1,"x":' + b"[" * 100_000), "bad_body"),
    "batch before hello": (frame(2, b'{"records":[]}'), "no_hello"),
    "large before hello": (frame(1, b" " * (300 << 10)), "too_large"),
    "another pid": (frame(1, b'{"pid": 1}'), "pid_mismatch"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_first_frame(kind: str) -> None:
    """It is answered with an ERROR, counted, closed, and nobody else notices."""
    data, code = HOSTILE[kind]

    async def test(it: Inspector) -> None:
        honest, bad = await it.client(), await it.client()
        await honest.hello()
        bad.raw(data)
        said = await bad.ended()
        assert not code or said == code
        assert it.counters.total("hostile", said) == 1
        assert (await honest.ask(frames.BATCH, {"records": [record()]}))[0] == frames.ACK

    run(test)


def test_truncated_frame() -> None:
    """The end of the stream within a frame is counted."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        client.raw(frame(1, b'{"pid"', length=200))
        client.writer.write_eof()
        await client.ended()
        assert it.counters.total("hostile", "truncated") == 1

    run(test)


def test_unknown_kind() -> None:
    """A kind of a later version is counted and skipped; one of our own answers is not accepted."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        client.send(99, {})
        assert (await client.ask(frames.BATCH, {"records": []}))[0] == frames.ACK
        assert it.counters.total("unknown_kind", "agent") == 1
        client.send(frames.WELCOME, {"witnessed": True})
        assert await client.ended() == "unexpected_kind"

    run(test)


def test_flood_of_statuses() -> None:
    """Twenty thousand STATUS frames at once close the connection, and another one is served meanwhile."""

    async def test(it: Inspector) -> None:
        honest, flood = await it.client(), await it.client()
        await flood.hello()
        await honest.hello(role="verdict")
        flood.raw(frame(4, b'{"mode":"monitor"}') * 20_000)
        assert (await honest.ask(frames.ASK, {"request": record()}))[0] == frames.VERDICT
        assert await flood.ended() == "too_many_statuses"

    run(test)


def test_silent_connections_make_room() -> None:
    """Above the limit of a process the connections without a HELLO go first; a greeted one stays."""

    async def test(it: Inspector) -> None:
        honest = await it.client()
        await honest.hello()
        silent = [await it.client() for _ in range(50)]
        await it.until(lambda: it.counters.total("refused", "too_many_of_process") == 41)
        assert it.crowd.count <= 20
        assert await silent[0].ended() == "too_many_of_process"
        assert (await honest.ask(frames.BATCH, {"records": []}))[0] == frames.ACK

    run(test, Limits(connections=20, connections_per_process=10))


def test_handshake_timeout() -> None:
    """Who does not say HELLO is sent away by the sweep, who did stays."""

    async def test(it: Inspector) -> None:
        honest, silent = await it.client(), await it.client()
        await honest.hello()
        await it.until(lambda: it.crowd.count == 2)
        it.crowd.sweep(asyncio.get_running_loop().time() + 1e6)
        assert await silent.ended() == "handshake_timeout"
        assert it.crowd.count == 1

    run(test)


def test_slow_frame() -> None:
    """A frame that is never finished is given up."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        client.raw(frame(2, b"{", length=1000))
        await it.until(lambda: it.crowd.held > 0)
        it.crowd.sweep(asyncio.get_running_loop().time() + 1e6)
        assert await client.ended() == "slow_frame"
        assert it.crowd.held == 0

    run(test)


def test_memory_limit() -> None:
    """When too much waits the heaviest connection goes, not the others."""

    async def test(it: Inspector) -> None:
        light, heavy = await it.client(), await it.client()
        await light.hello()
        await heavy.hello()
        heavy.raw(frame(2, b"x" * 90_000, length=1 << 20))
        assert await heavy.ended() == "memory"
        assert (await light.ask(frames.BATCH, {"records": []}))[0] == frames.ACK

    run(test, Limits(memory_bytes=64 << 10))


def test_nothing_is_held_after_work() -> None:
    """After HELLO, batches, questions and statuses no byte is accounted for any more."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        await client.ask(frames.BATCH, {"records": [record()]})
        await client.ask(frames.ASK, {"request": record()})
        client.send(frames.STATUS, {})
        await client.ask(frames.BATCH, {"records": []})
        assert it.crowd.held == 0

    run(test)


def test_answers_that_nobody_reads() -> None:
    """A peer that asks and never reads is closed when a megabyte waits for it."""

    async def test(it: Inspector) -> None:
        peer = socket.socket(socket.AF_UNIX)
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(peer, it.path)
        await loop.sock_sendall(peer, frame(1, b'{"pid": %d, "role": "verdict"}' % os.getpid()))
        ask = frame(3, b'{"request":{"type":"request","phase":"start","request_id":"1111111111111111"}}') * 100
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                await loop.sock_sendall(peer, ask)
        assert it.counters.total("hostile", "unread") == 1
        peer.close()

    run(test, Limits(frames_per_second=10_000_000))


def test_throttled() -> None:
    """A process above its rate is read more slowly, not closed."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello(role="verdict")
        for _ in range(30):
            assert (await client.ask(frames.ASK, {"request": record()}))[0] == frames.VERDICT
        assert it.counters.total("throttled") > 0

    run(test, Limits(frames_per_second=10))


@pytest.mark.parametrize("size", [0, 3000], ids=["small", "more than one read"])
def test_last_words(size: int) -> None:
    """What a process wrote before it ended is judged to the last batch, though nobody is there to read an answer."""

    async def test(it: Inspector) -> None:
        bodies = [{"records": [record(f"{n:016x}", path="/" + "x" * size)]} for n in range(1, 61)]
        words = [frame(frames.BATCH, json.dumps(body).encode(), sequence=n) for n, body in enumerate(bodies, 1)]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(it.path)
            client.sendall(frame(frames.HELLO, json.dumps({"pid": os.getpid()}).encode()) + b"".join(words))
        await it.until(lambda: sum(len(body["reports"]) for body in it.fake.told(link.EVIDENCE)) == len(words))
        await it.until(lambda: it.crowd.count == 0 and it.crowd.held == 0)
        assert len(it.fake.told(link.CLOSED)) == 1

    run(test)
