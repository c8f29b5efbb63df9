"""Attack waves: what makes one, what does not, and what its trace says while it goes on."""

from __future__ import annotations

from typing import Any

from collector.correlate import waves as module
from collector.correlate.waves import CLIENTS, SECOND, TELL, Waves
from collector.model import Finding, Process, Request, RequestReport, Verdict
from collector.policy.document import Waves as Settings

START = 1_000 * SECOND


class World:
    """Waves of ten requests in a minute; `time` is the requests' clock and ours, in seconds."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**{"requests": 10, "seconds": 60, **settings})
        self.time, self.number = 0.0, 0
        self.waves = Waves(lambda: self.settings, lambda: self.time)

    def report(self, address: str = "203.0.113.7", rule: str = "xss-001", category: str = "xss", **more: Any) -> Any:
        self.number += 1
        fields = {"path": f"/p{self.number}", "process": Process(service="shop"), **more}
        name, start = f"{self.number:016x}", START + int(self.time * SECOND)
        request = Request(name, client_address=address, start_time=start, **fields)
        return RequestReport(request, (Finding(rule, "x", category, Verdict.ATTEMPTED),))

    def hit(self, count: int = 1, every: float = 0.0, **fields: Any) -> bool:
        """Whether the last of so many is in a wave."""
        found = None
        for _ in range(count):
            found = self.waves.on_report(self.report(**fields))
            self.time += every
        return found is not None


def test_many_requests_of_one_client_are_a_wave() -> None:
    """The tenth within a minute makes one trace, at once, with counts, rules, paths and the technique."""
    world = World()
    assert not world.hit(9, every=1)
    assert world.waves.due() == []
    assert world.hit(rule="sqli-001")
    trace, = world.waves.due()
    finding, = trace.findings
    assert (finding.category, finding.tags[0], trace.verdict) == ("attack_wave", "T1595", Verdict.ATTEMPTED)
    assert finding.value.startswith("10 requests in 9 s; services shop; rules xss-001 (9), sqli-001 (1); paths /p1,")
    assert (trace.request.client_address, trace.request.start_time) == ("203.0.113.7", START)
    assert (trace.id, trace.id != "0" * 16) == (trace.request.request_id, True)


def test_it_goes_on_as_the_same_trace() -> None:
    """Told again every few seconds with what it has come to; after a minute of silence it is over, and its last state
    is not lost; what comes then is another one."""
    world = World()
    world.hit(10)
    first, = world.waves.due()
    world.hit(90)
    assert world.waves.due() == []
    world.time += TELL
    again, = world.waves.due()
    assert (again.id, again.findings[0].value[:12]) == (first.id, "100 requests")
    world.hit(5)
    world.time += 61
    assert not world.hit(9)
    last, = world.waves.due()
    assert (last.id, last.findings[0].value[:12]) == (first.id, "105 requests")
    assert world.hit()
    other, = world.waves.due()
    assert other.id != first.id
    assert world.waves.found == 2


def test_what_is_no_wave() -> None:
    """Few at a time, however long; one request told again and again; many clients once; refusals by the lists; and
    nothing at all where it is turned off."""
    assert not World().hit(100, every=7)
    world, one = World(), World().report()
    assert all(world.waves.on_report(one) is None for _ in range(100))
    assert not any(world.hit(address=f"203.0.113.{number}") for number in range(200))
    for category in ("policy", "rate_limit", "attack_wave"):
        assert not World().hit(100, category=category)
    assert not World(action="off").hit(100)
    assert not World().hit(100, address="")


def test_one_network_of_ipv6_is_one_client() -> None:
    """Who changes the address within a /64 with every request is a wave all the same."""
    world = World()
    for number in range(9):
        world.hit(address=f"2001:db8::{number:x}")
    assert world.hit(address="2001:db8::abcd")
    assert world.waves.due()[0].findings[0].parameter == "2001:db8::/64"


def test_memory_is_bounded() -> None:
    """By the clients that came last; what a client may fill is bounded, too."""
    world = World(requests=1000)
    for number in range(CLIENTS + 100):
        world.hit(address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert (len(world.waves), world.waves.evicted) == (CLIENTS, 100)
    for number in range(3000):
        world.hit(rule=f"r-{number}", path=f"/{number}" * 1000)
    client = world.waves._clients["203.0.113.7"]
    assert (len(client.hits), len(client.rules), len(client.paths)) == (1000, module.RULES, module.PATHS)
    assert len(world.waves.due()[0].findings[0].value) < 3000
