"""The door before TCP: the token first, compared whole; whoever does not know it is not listened to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from collector.core import link
from collector.inspector import door
from collector.inspector.connection import Connection
from collector.inspector.limits import Limits
from collector.wire import frames
from tests.collector.inspector.support import Client, Inspector, frame, record, run

TOKEN = "5f" * 32
Visit = Callable[[], Awaitable[Client]]


def visit(test: Callable[[Inspector, Visit], Awaitable[None]], limits: Limits | None = None) -> None:
    """Run a test with an inspector that listens on a loopback port, too."""

    async def with_door(it: Inspector) -> None:
        entrance = door.Door(TOKEN, lambda: Connection(it.desk, it.crowd, it.counters, it.limits), it.counters)
        server = await asyncio.get_running_loop().create_server(entrance, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def client() -> Client:
            return Client(*await asyncio.open_connection("127.0.0.1", port))

        await test(it, client)
        assert entrance.waiting == 0
        server.close()

    run(with_door, limits)


def test_who_knows_the_token_is_an_agent_without_a_pid() -> None:
    """Its frames are worked as any others, also right behind the token; the core hears of pid 0, whatever it says."""

    async def test(it: Inspector, client: Visit) -> None:
        agent = await client()
        agent.raw(TOKEN.encode() + b"\n")
        await agent.hello(service="remote")
        assert (await agent.ask(frames.BATCH, {"records": [record()]}))[0] == frames.ACK
        opened = [body for kind, body in it.fake.heard if kind == link.OPENED]
        assert [body["agent"]["process"].get("pid", 0) for body in opened] == [0]
        agent.writer.close()
        await it.until(lambda: any(kind == link.CLOSED for kind, _ in it.fake.heard))

    visit(test)


def test_it_may_come_in_pieces() -> None:
    """The token byte by byte, with half a frame behind it."""

    async def test(it: Inspector, client: Visit) -> None:
        agent = await client()
        whole = TOKEN.encode() + b"\n" + frame(frames.HELLO, b'{"pid":1}')
        for part in (whole[:1], whole[1:64], whole[64:70], whole[70:]):
            agent.raw(part)
            await agent.writer.drain()
            await asyncio.sleep(0)
        assert (await agent.read())[0] == frames.WELCOME

    visit(test)


WRONG = [b"\0" * 65, TOKEN[:-1].encode() + b"0\n", TOKEN.upper().encode() + b"\n", frame(1, b" " * 200), b"x" * 100_000]


@pytest.mark.parametrize("said", WRONG)
def test_who_does_not_is_sent_away(said: bytes) -> None:
    """Without a word; counted; nothing of it was looked at."""

    async def test(it: Inspector, client: Visit) -> None:
        stranger = await client()
        stranger.raw(said)
        assert await stranger.ended() == ""
        assert it.counters.total("hostile", "bad_token") == 1
        assert it.counters.total("connections", "") == 0

    visit(test)


def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two seconds; and a crowd at the door leaves room for those who know the token once it is gone."""
    monkeypatch.setattr(door, "SECONDS", 0.05)
    monkeypatch.setattr(door, "MAX_WAITING", 4)

    async def test(it: Inspector, client: Visit) -> None:
        silent = [await client() for _ in range(5)]
        assert [await one.ended() for one in silent] == [""] * 5
        assert it.counters.total("hostile", "too_many_at_the_door") == 1
        assert it.counters.total("hostile", "no_token") == 4
        agent = await client()
        agent.raw(TOKEN.encode() + b"\n")
        await agent.hello()

    visit(test)


def test_behind_the_door_is_a_hostile_agent_like_any_other() -> None:
    """The caps of the Unix socket hold there, too."""

    async def test(it: Inspector, client: Visit) -> None:
        agent = await client()
        agent.raw(TOKEN.encode() + b"\n" + frame(1, b"", length=0xFFFFFFFF))
        assert await agent.ended() == "too_large"
        assert it.counters.total("hostile", "too_large") == 1

    visit(test)
