"""What is kept of a flood, what is counted instead, and what is never left out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from collector.correlate.floods import FATES, FLUSH, MINUTE, TOLD_SOURCES, Floods
from collector.correlate.settings import FloodSettings
from collector.model import Action, AttackTrace, Finding, Request, Verdict

SMALL = FloodSettings(
    traces_per_second=10, source_traces_per_second=2, burst=100, refusals_in_full=5, repeats_in_full=7
)


class World:
    """Floods with a clock of the test's own; what is kept is stored."""

    def __init__(self, settings: FloodSettings = SMALL) -> None:
        self.time, self.stored, self.next = 0.0, dict[str, AttackTrace](), 0
        self.floods = Floods(settings, self.stored.get, lambda: self.time)

    def put(self, trace: AttackTrace) -> bool:
        if (kept := self.floods.admit(trace)) is not None:
            self.stored[trace.id] = kept
        return kept is not None

    def many(self, count: int, **fields: Any) -> int:
        """How many of these are kept."""
        return sum(self.put(self.trace(**fields)) for _ in range(count))

    def trace(self, stage: Verdict = Verdict.ATTEMPTED, value: str = "", category: str = "xss", **more: Any) -> Any:
        self.next += 1
        address, name = more.pop("address", "203.0.113.7"), f"{self.next:016x}"
        request = Request(name, start_time=self.next, client_address=address, path="/search", **more)
        found = (Finding("xss-001", "x", "xss", stage, value=value or f"<script {self.next}>", parameter="q"),)
        if category == "policy":
            found = (Finding("policy-address", "x", category, Verdict.ATTEMPTED, value="203.0.113.0/24"), *found)
        return AttackTrace(name, stage, Action.MONITORED, request, found)

    def flush(self, everything: bool = False) -> list[AttackTrace]:
        written = self.floods.due(everything)
        self.stored.update({one.id: one for one in written})
        return written


def test_refusals_are_kept_at_first_and_counted_then() -> None:
    """Five a minute of one client, whatever attacks it sends with them; the last of these says how many more came, and
    the next minute begins anew."""
    world = World()
    assert world.many(1000, category="policy") == 5
    assert world.flush() == []
    world.time = FLUSH
    assert [(one.id, one.repeats, one.last_repeat_time) for one in world.flush()] == [(f"{5:016x}", 995, 1000)]
    assert world.floods.due(everything=True) == []
    assert world.floods.dropped == {"repeated": 995}
    world.time = MINUTE
    assert world.many(10, category="policy") == 5
    assert world.flush(everything=True)[0].repeats == 5


def test_the_path_of_a_refusal_makes_no_difference_that_of_an_attempt_does() -> None:
    """A listed client cannot get more room by asking for many things; attempts at two routes are two things."""
    world = World()
    assert sum(world.many(1, category="policy", route=f"/{number}") for number in range(50)) == 5
    assert [world.many(10, value="x", route=route) for route in ("/a", "/b")] == [7, 7]


def test_a_source_has_its_share() -> None:
    """Half of the burst, then its own rate; another one is not harmed, and who it was is told."""
    world = World()
    assert world.many(200) == 50
    assert world.many(20, address="203.0.113.8") == 20
    world.time = 5.0
    assert world.many(200) == 10
    assert world.floods.dropped["source_rate"] == 340
    assert world.floods.sources() == {"203.0.113.7": 340}


def test_addresses_of_one_network_are_one_source() -> None:
    """Who has a /64 of IPv6 has more addresses than there is room for sources."""
    world = World()
    assert sum(world.many(1, address=f"2001:db8::{number:x}") for number in range(200)) == 50


def test_all_sources_have_a_bound() -> None:
    """Many addresses together leave the last quarter of the burst to what reached an operation; when that is gone,
    too, only what is confirmed is kept."""
    world = World()
    assert sum(world.many(1, address=f"10.0.{number // 250}.{number % 250}") for number in range(1000)) == 76
    assert world.many(1000, stage=Verdict.REACHED) == 24
    assert world.many(1000, stage=Verdict.CONFIRMED) == 1000
    assert world.many(10, stage=Verdict.REACHED) == 0


def test_what_becomes_more_is_kept_then() -> None:
    """A trace that was left out as an attempt is kept when the kernel confirms it; one that is kept stays so."""
    world = World()
    world.many(200)
    left_out = world.trace()
    assert not world.put(left_out)
    assert not world.put(left_out)
    assert world.floods.dropped["source_rate"] == 151
    assert world.put(replace(left_out, verdict=Verdict.CONFIRMED))
    assert world.put(left_out)


def test_a_trace_that_changes_keeps_its_counter() -> None:
    """The correlator knows nothing of the counters: what it tells later of a trace does not take them back."""
    world = World()
    known = [world.trace(category="policy") for _ in range(20)]
    for one in known:
        world.put(one)
    again = world.floods.admit(known[4])
    assert again is not None
    assert again.repeats == 15


def test_what_became_of_an_id() -> None:
    """A refused client's id leads to the trace that counts it, or to the word that none does."""
    world = World()
    world.many(8, category="policy")
    assert world.floods.fate(f"{8:016x}") == f"{5:016x}"
    assert world.floods.fate(f"{1:016x}") is None
    assert world.floods.fate("unknown") is None
    world.many(200)
    assert world.floods.fate(f"{208:016x}") == ""


@pytest.mark.parametrize("category", ["policy", "xss"])
def test_memory_is_bounded(category: str) -> None:
    """Whatever is sent, by however many."""
    world = World(FloodSettings())
    for number in range(FATES * 2):
        world.floods.admit(world.trace(category=category, address=f"10.{number >> 8 & 255}.{number & 255}.1"))
    world.floods.admit(world.trace())
    tables = (world.floods._fates, world.floods._sources, world.floods._groups, world.floods._repeats)
    assert all(0 < len(table) <= FATES for table in tables[:3])
    assert len(world.floods.sources()) <= TOLD_SOURCES
