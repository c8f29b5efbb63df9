"""A policy's way through an inspector: from the core to the judge and the agents, and their words back."""

from __future__ import annotations

from collector.core import link
from collector.policy.document import Entry, Policy, ServiceMode
from collector.wire import frames
from tests.collector.inspector.support import Inspector, record, run

POLICY = Policy(2, services=(ServiceMode("shop", "block"),), block=(Entry("10.0.0.1"), Entry("user:eve")))


def test_a_policy_is_applied_told_and_acknowledged() -> None:
    """100 agents hear a new version, each with the mode of its service, one that comes later with its welcome; the core
    hears of the inspector and of each."""

    async def work(it: Inspector) -> None:
        clients = [await it.client() for _ in range(100)]
        for number, client in enumerate(clients):
            await client.hello(service="shop" if number % 2 else "other")
        it.fake.tell(link.POLICY, link.NewPolicy(POLICY))
        for number, client in enumerate(clients):
            kind, _, body = await client.read()
            mode = "block" if number % 2 else ""
            told = {"version": 2, "mode": mode, "lists": True, "users": True, "responses": False, "routes": False}
            assert (kind, body) == (frames.POLICY, told)
        await it.until(lambda: {"version": 2} in it.fake.told(link.APPLIED))
        clients[0].send(frames.STATUS, {"mode": "monitor", "policy_version": 2})
        await it.until(lambda: it.fake.told(link.STATUS))
        assert it.fake.told(link.STATUS)[0]["agent"]["policy_version"] == 2
        late = await it.client()
        assert (await late.hello(service="shop"))["policy"]["version"] == 2

    run(work)


def test_the_mode_of_a_question() -> None:
    """An agent says in which mode it asks; one that does not is judged by its HELLO."""

    async def work(it: Inspector) -> None:
        client = await it.client()
        await client.hello(role="verdict", mode="block")
        for mode, action in (("monitor", "allow"), ("block", "block"), ("", "block")):
            question = {"request": record(phase="start"), "mode": mode}
            assert (await client.ask(frames.ASK, question))[1]["action"] == action

    run(work)
