"""Who is listed by the policy itself: for waves and limits, for a time, and never whom it must not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector.core import responses as module
from collector.core.responses import Responses
from collector.model import Action, Finding, Request, RequestReport, Verdict
from collector.policy.document import Entry, Limit, Policy, PolicyError, Waves, now
from collector.policy.keeper import MAX_AUTOMATIC, Keeper

LIMIT = Limit("login", 5, action="block", lasting=600)


class World:
    """A keeper on disk and what answers for it."""

    def __init__(self, directory: Path, action: str = "block", **policy: object) -> None:
        self.keeper, self.number = Keeper(directory), 0
        waves = Waves(10, 60, action, 600)  # type: ignore[arg-type]
        self.keeper.apply(Policy(waves=waves, limits=(LIMIT,), **policy), "test")  # type: ignore[arg-type]
        self.responses = Responses(self.keeper)

    def report(self, finding: Finding, address: str, **fields: object) -> None:
        self.number += 1
        request = Request(f"{self.number:016x}", client_address=address, start_time=self.number, **fields)  # type: ignore[arg-type]
        self.responses.on_report(RequestReport(request, (finding,)))

    def wave(self, address: str = "203.0.113.7", **fields: object) -> None:
        for _ in range(10):
            self.report(Finding("xss-001", "x", "xss", Verdict.ATTEMPTED), address, **fields)

    def beyond(self, who: str, address: str = "203.0.113.7", limit: str = "login") -> None:
        finding = Finding("policy-limit", "x", "rate_limit", Verdict.ATTEMPTED, (), Action.BLOCKED, "", limit, who)
        self.report(finding, address)

    def listed(self, key: str = "block") -> dict[str, Entry]:
        self.responses.apply()
        return {one.subject: one for one in getattr(self.keeper.policy, key) if one.automatic}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(("action", "key"), [("block", "block"), ("suspicious", "suspicious")])
def test_a_wave(tmp_path: Path, action: str, key: str) -> None:
    """Its address is listed for the time that the policy says, with the reason; its trace says that, too."""
    world = World(tmp_path, action)
    before = now()
    world.wave()
    entry = world.listed(key)["203.0.113.7"]
    assert entry.expires is not None
    assert 598 <= (entry.expires - before).total_seconds() <= 601
    assert (entry.reason, entry.command) == ("attack wave", True)
    trace, = world.responses.due()
    assert trace.findings[0].value.endswith("for 600 s")
    assert trace.action is Action.BLOCKED


def test_only_where_the_policy_says_so(tmp_path: Path) -> None:
    """By default it is told and nothing else."""
    world = World(tmp_path, "monitor")
    world.wave()
    assert (world.listed(), world.listed("suspicious")) == ({}, {})
    assert world.responses.due()[0].action is Action.MONITORED


def test_beyond_a_limit(world: World) -> None:
    """Who goes beyond a limit that lasts is listed: an address, a network, a user, a session; nobody for one that does
    not last, or is not known any more."""
    subjects = ("203.0.113.7", "2001:db8::/64", "user:17", "session:d1")
    for who in subjects:
        world.beyond(who)
    world.beyond("203.0.113.8", limit="gone")
    world.beyond("no address")
    assert tuple(world.listed()) == subjects
    assert world.listed()["user:17"].reason == "rate limit login"


def test_who_is_never_listed(tmp_path: Path) -> None:
    """Who is on the pass list, by network, user or session; and a proxy on this host that nobody named."""
    allowed = tuple(map(Entry, ("203.0.113.0/24", "user:17", "session:d1")))
    world = World(tmp_path, allow=allowed)
    world.wave()
    world.wave("127.0.0.1", forged_forwarding=True)
    for who in ("203.0.113.7", "user:17", "session:d1"):
        world.beyond(who)
    assert world.listed() == {}
    world.wave("198.51.100.7", forged_forwarding=True)
    assert set(world.listed()) == {"198.51.100.7"}


def test_what_people_said_stands(world: World) -> None:
    """Who is listed for ever by a command stays so; a new document keeps what came by itself; unblocked, somebody is
    listed again only for what they do then."""
    world.keeper.add("block", "203.0.113.7", "for good", None)
    world.wave()
    assert world.listed() == {}
    world.keeper.remove("203.0.113.7")
    world.beyond("203.0.113.9")
    assert set(world.listed()) == {"203.0.113.9"}
    world.keeper.apply(Policy(limits=(LIMIT,)), "a new document")
    assert set(world.listed()) == {"203.0.113.9"}
    world.keeper.remove("203.0.113.9")
    assert world.listed() == {}
    world.beyond("203.0.113.9")
    assert set(world.listed()) == {"203.0.113.9"}


def test_people_s_versions_are_kept(world: World) -> None:
    """A hundred changes by itself take one place in the history, and `rollback` goes to what a person said last."""
    for number in range(100):
        world.beyond(f"203.0.113.{number}")
        world.responses.apply()
    kept = [past.version for past in world.keeper.history()]
    assert kept == [101, 1]
    assert not world.keeper.roll_back().block


def test_many_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gathers is one version; a list has an end, and who would be free first makes room."""
    changes: list[int] = []
    world.keeper.on_change = lambda policy: changes.append(policy.version)
    for number in range(module.MAX_WAITING + 50):
        world.beyond(f"10.0.{number >> 8}.{number & 255}")
    assert len(world.listed()) == module.MAX_WAITING
    assert (len(changes), world.responses.totals()["responses.no_room"]) == (1, 50)
    monkeypatch.setattr("collector.policy.keeper.MAX_AUTOMATIC", 1000)
    assert MAX_AUTOMATIC == 10_000
    world.beyond("192.0.2.1")
    assert len(world.listed()) == 1000
    assert "192.0.2.1" in world.listed()


def test_a_disk_that_takes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said, and the next request of the same client tries again."""

    def fail(entries: object) -> int:
        raise PolicyError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(world.keeper, "add_all", fail)
        world.beyond("203.0.113.7")
        world.responses.apply()
    assert world.keeper.policy.block == ()
    world.beyond("203.0.113.7")
    assert set(world.listed()) == {"203.0.113.7"}


def test_it_runs(world: World) -> None:
    """Its task puts what was found into the policy without anybody asking."""

    async def main() -> None:
        changed = asyncio.Event()
        world.keeper.on_change = lambda policy: changed.set()
        task = asyncio.create_task(world.responses.run())
        world.beyond("203.0.113.7")
        await asyncio.wait_for(changed.wait(), 20)
        task.cancel()

    asyncio.run(main())
    assert [one.subject for one in world.keeper.policy.block] == ["203.0.113.7"]
