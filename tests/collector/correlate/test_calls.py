"""Requests and services joined by connections: what is joined, and above all what is not."""

from __future__ import annotations

from typing import Any

import pytest

from collector.correlate import Correlator
from collector.correlate.case import MAX_LINKED
from collector.correlate.connections import MAX_TURNS, Connections
from collector.inventory import Edge
from collector.model import AttackTrace, Peer, Process, Request, RequestReport
from probes.vocabulary import KernelEvent
from tests.collector.correlate.support import APP, ID, START, report

FRONT = 2000
ASKED = "a" * 16
OTHER = "b" * 16
MS = 10**6
CLIENT, SERVER = ("127.0.0.1", 40001), ("127.0.0.1", 5000)
SERVICES = {FRONT: Process(FRONT, "front"), APP: Process(APP, "back")}


def one(kind: Any, time: float, pid: int, here: tuple[str, int], there: tuple[str, int], **fields: Any) -> KernelEvent:
    """An event `time` ms after the served request's start."""
    known = {"thread_id": pid, "family": "ipv4", "net": 1, **fields}
    return KernelEvent(
        kind, START + int(time * MS), pid, address=there[0], port=there[1], local_address=here[0], local_port=here[1],
        **known,
    )  # fmt: skip


def connect(time: float = -3, request_id: str = "", **fields: Any) -> KernelEvent:
    return one("connect", time, FRONT, CLIENT, SERVER, request_id=request_id, **fields)


def accept(time: float = -2, **fields: Any) -> KernelEvent:
    return one("accept", time, APP, SERVER, CLIENT, **fields)


def turn(time: float = -1, request_id: str = ASKED, attribution: Any = "exact", size: int = 1) -> KernelEvent:
    return one("turn", time, FRONT, CLIENT, SERVER, request_id=request_id, attribution=attribution, size=size)


LATER = KernelEvent("exec", START + 1000 * MS, 7, 7)


class World:
    """A correlator whose clock stands a little after the served request."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.now = START + 100 * MS
        self.it = Correlator(now=lambda: self.now, process=SERVICES.get)
        self.it.wanted = self.wanted.append
        self.traces: dict[str, AttackTrace] = {}

    def kernel(self, *events: KernelEvent) -> None:
        self.traces |= {trace.id: trace for trace in self.it.on_kernel(events)[0]}

    def report(self, told: RequestReport | None = None, **request: Any) -> None:
        told = told or report(peer=Peer(*CLIENT), **request)
        self.traces |= {trace.id: trace for trace in self.it.on_report(told)}

    def asked_by(self, request_id: str = ID) -> str:
        return self.traces[request_id].asked_by


WAYS = {
    "events first": "car", "report first": "rca", "accept first": "acr", "between": "cra", "accept, report": "arc",
}  # fmt: skip


@pytest.mark.parametrize("order", WAYS.values(), ids=WAYS)
def test_who_asked(order: str) -> None:
    """In whatever order the two witnesses come, the request at its turn on the connection is the one that asked."""
    world = World()
    for step in order:
        if step == "r":
            world.report()
        else:
            world.kernel(*((connect(), turn()) if step == "c" else (accept(),)))
    world.kernel(LATER)
    trace = world.traces[ID]
    assert (trace.asked_by, [one.request_id for one in trace.linked]) == (ASKED, [ASKED])
    assert trace.linked[0].process.service == "front"
    assert world.wanted == [ASKED]


def test_more_is_told_of_the_one_that_asked() -> None:
    """An innocent request is asked for, and what its agent says comes onto the trace, without headers."""
    world = World()
    world.kernel(connect(), accept(), turn(), LATER)
    world.report()
    told = Request(ASKED, path="/front", start_time=START - 9, headers=(("a", "b"),), process=SERVICES[FRONT])
    world.report(RequestReport(told, ()))
    assert [(one.path, one.headers) for one in world.traces[ID].linked] == [("/front", ())]


@pytest.mark.parametrize("front_first", [True, False])
def test_both_are_attacked(front_first: bool) -> None:
    """Each names the other, whichever is reported first."""
    world = World()
    world.kernel(connect(request_id=ASKED, attribution="exact"), accept(), turn(), LATER)
    steps = [
        lambda: world.report(report(request_id=ASKED, process=SERVICES[FRONT], peer=Peer("192.0.2.1", 1))),
        world.report,
    ]
    for step in steps if front_first else reversed(steps):
        step()
    assert (world.asked_by(), world.traces[ASKED].asked) == (ASKED, (ID,))
    assert [one.request_id for one in world.traces[ASKED].linked] == [ID]
    assert [e.service for e in world.traces[ASKED].kernel_events if e.kind == "connect"] == ["back"]


def test_a_name_for_the_other_end() -> None:
    """An attack's connect says whose service accepted, also where that is known only later."""
    world = World()
    world.kernel(connect(request_id=ASKED, attribution="exact"))
    world.report(report(request_id=ASKED, process=SERVICES[FRONT]))
    assert [e.service for e in world.traces[ASKED].kernel_events] == [""]
    world.kernel(accept())
    assert [e.service for e in world.traces[ASKED].kernel_events] == ["back"]


KEPT = {
    "its own turn": ([(-9, OTHER), (-1, ASKED)], ASKED),
    "the next turn is after it": ([(-1, ASKED), (40, OTHER)], ASKED),
    "nobody's turn": ([(-9, OTHER), (-1, "")], ""),
    "two that the clocks cannot tell apart": ([(-9, OTHER), (0.5, ASKED)], ""),
    "sent as it began": ([(0.5, ASKED)], ASKED),
    "sent long after": ([(40, ASKED)], ""),
    "nothing was sent": ([], ""),
}


@pytest.mark.parametrize(("turns", "expected"), KEPT.values(), ids=KEPT)
def test_a_kept_connection(turns: list[tuple[float, str]], expected: str) -> None:
    """The last turn before the request began; where that is not certain, nobody."""
    world = World()
    world.report()
    world.kernel(connect(-50), accept(-49), *(turn(time, name) for time, name in turns), LATER)
    assert world.asked_by() == expected


def test_nothing_is_joined_too_early() -> None:
    """A turn that is still on its way is waited for: no other request stands on the trace meanwhile."""
    world = World()
    world.kernel(connect(-50), accept(-49), turn(-40, OTHER))
    world.report()
    assert world.asked_by() == ""
    world.kernel(KernelEvent("exec", START + 10 * MS, 7, 7))  # by the other ring
    assert world.asked_by() == ""
    world.kernel(turn())
    assert world.asked_by() == ""
    world.kernel(LATER)
    assert world.asked_by() == ASKED
    assert world.wanted == [ASKED]


def test_time_passes_where_nothing_happens() -> None:
    """On a host where nothing comes any more an empty batch is enough."""
    world = World()
    world.kernel(connect(), accept(), turn())
    world.report()
    assert world.asked_by() == ""
    world.now = START + 1100 * MS
    world.kernel()
    assert world.asked_by() == ASKED


NOT_JOINED: dict[str, list[KernelEvent]] = {
    "another namespace's loopback": [connect(), accept(net=2), turn()],
    "accepted long after": [connect(-70_000), accept(), turn()],
    "accepted before it was made": [accept(-300), connect(-100), turn()],
    "the port's second connection": [connect(-30), accept(-29), turn(-28), accept()],
    "refused": [connect(result=-111), accept(), turn()],
    "a thread that the request began": [connect(), accept(), turn(attribution="inherited")],
    "the own end is not known": [one("connect", -3, FRONT, ("", 0), SERVER), accept(), turn()],
    "sent by another process": [connect(), accept(), one("turn", -1, 9, CLIENT, SERVER, request_id=ASKED)],
}


@pytest.mark.parametrize("events", NOT_JOINED.values(), ids=NOT_JOINED)
def test_not_joined(events: list[KernelEvent]) -> None:
    """Events that look alike, and are not the two ends of one connection, or no request's."""
    world = World()
    world.kernel(*events, LATER)
    world.report()
    assert (world.asked_by(), world.traces[ID].linked) == ("", ())


def test_other_namespaces_over_a_network() -> None:
    """Containers talk by addresses that mean the same in both namespaces."""
    world = World()
    here, there = ("10.0.0.2", 40001), ("10.0.0.3", 5000)
    world.kernel(
        one("connect", -3, FRONT, here, there, net=2), one("accept", -2, APP, ("::ffff:10.0.0.3", 5000), here, net=3),
        one("turn", -1, FRONT, here, there, net=2, request_id=ASKED, attribution="exact"), LATER,
    )  # fmt: skip
    world.report(report(peer=Peer(*here)))
    assert world.asked_by() == ASKED


def edges(world: World) -> list[Edge]:
    return world.it.calls.edges.all()


def test_edges() -> None:
    """One edge for a way however often it is gone; to and from elsewhere by the address."""
    world = World()
    for port in range(40001, 40011):
        client = ("127.0.0.1", port)
        world.kernel(one("connect", port, FRONT, client, SERVER), one("accept", port, APP, SERVER, client))
    world.kernel(one("connect", 1, APP, ("10.0.0.2", 9), ("192.0.2.1", 443), request_id=ID, result=-115))
    world.kernel(one("accept", 2, APP, ("10.0.0.2", 5000), ("192.0.2.9", 7)))
    world.now += 6000 * MS
    world.kernel()
    found = {(way.client or way.client_address, way.server or way.server_end.address): way for way in edges(world)}
    assert {way: edge.connections for way, edge in found.items()} == {
        ("front", "back"): 10, ("back", "192.0.2.1"): 1, ("192.0.2.9", "back"): 1,
    }  # fmt: skip
    last = found["front", "back"].recent[-1]
    assert (last.client, last.client_pid, last.server_pid) == (Peer("127.0.0.1", 40010), FRONT, APP)
    assert 4 <= len(found["front", "back"].recent) <= 8
    assert found["back", "192.0.2.1"].recent[0].request_id == ID


def test_two_nodes_keep_some_connections_alike() -> None:
    """Of a busy edge two nodes that are asked some seconds apart, and began at different times, have connections in
    common."""
    front, back = World(), World()
    there = ("10.0.0.2", 5000)
    for number in range(2000):
        client, time = ("10.0.0.1", 10_000 + number * 13 % 2003), number * 30
        if number < 1700:
            front.kernel(one("connect", time, FRONT, client, there))
        if number > 300:
            back.kernel(one("accept", time + 1, APP, there, client))
    back.now += 6000 * MS
    back.kernel()
    (out,), (into,) = edges(front), edges(back)
    assert (out.connections, into.connections) == (1700, 1699)
    assert {way.client for way in out.recent} & {way.client for way in into.recent}
    assert max(len(out.recent), len(into.recent)) <= 8


def test_bounds() -> None:
    """Connections, turns, clients from everywhere: the oldest go."""
    world, connections = World(), Connections(10)
    for number in range(3000):
        client = (f"10.1.{number // 250}.{number % 250}", 7)
        world.kernel(one("accept", number, APP, SERVER, client))
        connections.take(one("accept", number, APP, SERVER, client))
    world.now += 60_000 * MS
    world.kernel()
    assert (len(edges(world)), len(connections)) == (2048, 10)
    assert world.it.calls.edges.evicted == 3000 - 2048
    connections.take(connect())
    for number in range(100):
        found = connections.take(turn(number))
    assert found is not None
    assert len(found.turns) == MAX_TURNS


def test_one_that_asks_everybody() -> None:
    """A request that asks for a thousand others names so many of them, and what is over is forgotten."""
    world = World()
    world.report(report(request_id=ASKED, process=SERVICES[FRONT]))
    for number in range(100):
        client = ("127.0.0.1", 41000 + number)
        world.kernel(one("connect", -3, FRONT, client, SERVER), one("accept", -2, APP, SERVER, client),
                     one("turn", -1, FRONT, client, SERVER, request_id=ASKED, attribution="exact"), LATER)  # fmt: skip
        world.report(report(request_id=f"{number:016x}", peer=Peer(*client)))
    assert len(world.traces[ASKED].asked) == len(world.traces[ASKED].linked) == MAX_LINKED
    world.now += 120_000 * MS
    world.kernel()
    assert world.it.calls._callees == world.it.calls._callers == {}
