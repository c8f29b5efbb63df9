"""What each frame comes to."""

from __future__ import annotations

import os

from collector.core import link
from collector.wire import frames
from tests.collector.inspector.support import Inspector, record, run


def test_welcome_says_whether_the_kernel_watches() -> None:
    """WELCOME repeats what the core said; without its answer within the patience it says no, and later yes."""

    async def test(it: Inspector) -> None:
        first = await it.client()
        assert (await first.hello())["witnessed"] is True
        it.fake.witnessed = False
        assert (await (await it.client()).hello())["witnessed"] is False
        it.fake.witnessed = None
        late = await it.client()
        assert (await late.hello())["witnessed"] is False
        it.fake.tell(link.WITNESSED, link.Witnessed([os.getpid()], True))
        kind, _, body = await late.read()
        assert (kind, body["witnessed"]) == (frames.WELCOME, True)

    run(test)


def test_hello_becomes_an_agent() -> None:
    """The core hears who it is; the pid is the socket's."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello(
            service="shop", mode="block", runtime="3.11", hooks=[{"target": "os.system", "state": "installed"}]
        )
        agent = it.fake.told(link.OPENED)[0]["agent"]
        assert (agent["process"]["pid"], agent["process"]["service"], agent["mode"]) == (os.getpid(), "shop", "block")
        assert agent["process"]["executable"] == os.readlink("/proc/self/exe")
        assert agent["hooks"][0]["target"] == "os.system"

    run(test)


def test_closed_stream() -> None:
    """The core hears of a stream's end, not of a verdict connection's."""

    async def test(it: Inspector) -> None:
        stream, verdict = await it.client(), await it.client()
        await stream.hello()
        await verdict.hello(role="verdict")
        verdict.writer.close()
        stream.writer.close()
        await it.until(lambda: it.crowd.count == 0)
        await it.until(lambda: it.fake.told(link.CLOSED))
        assert it.fake.told(link.CLOSED) == [{"pid": os.getpid()}]

    run(test)


def test_acknowledged_when_stored() -> None:
    """A batch with evidence is acknowledged after the core stored it, one without at once."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        it.fake.storing = False
        evidence = client.send(frames.BATCH, {"records": [record()]})
        nothing = client.send(frames.BATCH, {"records": [record("2" * 16, "a=b")]})
        assert (await client.read())[:2] == (frames.ACK, nothing)
        await it.until(lambda: it.fake.unstored)
        it.fake.store()
        assert (await client.read())[:2] == (frames.ACK, evidence)

    run(test)


def test_verdicts() -> None:
    """In block mode an attack is blocked; in monitor mode, and where the judge fails, nothing is."""

    async def test(it: Inspector) -> None:
        blocking, monitoring = await it.client(), await it.client()
        await blocking.hello(role="verdict", mode="block")
        await monitoring.hello(role="verdict")
        blocked = (await blocking.ask(frames.ASK, {"request": record()}))[1]
        assert (blocked["action"], blocked["status"]) == ("block", 403)
        assert blocked["headers"] == [["Content-Type", "application/json"], ["Cache-Control", "no-store"]]
        assert "security_response_id" in blocked["body"]
        assert (await blocking.ask(frames.ASK, {"request": record(query="a=b")}))[1]["action"] == "allow"
        assert (await blocking.ask(frames.ASK, {"request": record(method="EXPLODE")}))[1]["action"] == "allow"
        assert (await monitoring.ask(frames.ASK, {"request": record()}))[1]["action"] == "allow"
        assert it.counters.total("judge_errors", "ZeroDivisionError") == 1

    run(test)


def test_a_verdict_connection_sends_no_batches() -> None:
    """Each role has its frames."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello(role="verdict")
        client.send(frames.BATCH, {"records": []})
        assert await client.ended() == "unexpected_kind"

    run(test)


def test_bad_batch() -> None:
    """A body that is no batch closes the connection; the next one of the same process is served."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        client.send(frames.BATCH, {"records": [{"type": "request", "request_id": "short", "phase": "end"}]})
        assert await client.ended() == "bad_body"
        again = await it.client()
        await again.hello()
        assert (await again.ask(frames.BATCH, {"records": []}))[0] == frames.ACK

    run(test)


def test_verdict_does_not_wait_for_batches() -> None:
    """While a large batch is judged, questions are answered before its ACK."""

    async def test(it: Inspector) -> None:
        client, asking = await it.client(), await it.client()
        await client.hello()
        await asking.hello(role="verdict")
        client.send(frames.BATCH, {"records": [record(f"{i:016x}", "q=" + "x;" * 50) for i in range(4000)]})
        await it.until(lambda: it.counters.total("batches") == 1)
        assert (await asking.ask(frames.ASK, {"request": record()}))[0] == frames.VERDICT
        assert it.counters.total("acknowledged") == 0
        assert (await client.read())[0] == frames.ACK

    run(test)


def test_status() -> None:
    """The core hears what the agent says of itself, counters capped."""

    async def test(it: Inspector) -> None:
        client = await it.client()
        await client.hello()
        client.send(frames.STATUS, {"mode": "block", "counters": {f"c{i}": i for i in range(500)}})
        await it.until(lambda: it.fake.told(link.STATUS))
        agent = it.fake.told(link.STATUS)[0]["agent"]
        assert (agent["mode"], len(agent["counters"])) == ("block", 128)

    run(test)
