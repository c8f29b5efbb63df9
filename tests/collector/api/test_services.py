"""The services, asked over a real Unix socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc

from collector import hub
from collector.api import convert, services
from collector.inventory import Agent, Edge, EdgeConnection, Host, PoliciesInForce
from collector.model import Peer, Process, Verdict
from probes.vocabulary import Policy
from tests.collector.api.node import Served, served
from tests.collector.records import confirmed, login, trace

REACHED = pb.AttackTraceFilter(verdict="VERDICT_REACHED")


class Stubs:
    """The three services of one server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.traces = rpc.AttackTraceServiceStub(channel)
        self.logins = rpc.LoginEventServiceStub(channel)
        self.node = rpc.NodeServiceStub(channel)


@pytest.fixture
def node() -> Iterator[Served]:
    with served(room=4) as running:
        yield running


@pytest.fixture
def api(node: Served) -> Iterator[Stubs]:
    with grpc.insecure_channel(f"unix:{node.socket}") as channel:
        yield Stubs(channel)


def status(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """How a call fails."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_listing_traces_page_by_page(node: Served, api: Stubs) -> None:
    """All pages together hold every trace that the filter wants, newest first."""
    node.put([trace(number, Verdict(1 + number % 3)) for number in range(250)])
    found, token = [], ""
    while True:
        answer = api.traces.ListAttackTraces(pb.ListAttackTracesRequest(filter=REACHED, page_token=token))
        found += [one.id for one in answer.attack_traces]
        token = answer.next_page_token
        if not token:
            break
        assert len(answer.attack_traces) == services.DEFAULT_PAGE
    assert found == [trace(number).id for number in range(249, -1, -1) if number % 3]


def test_getting_one(node: Served, api: Stubs) -> None:
    """A trace by id and by prefix, a login by id: whole."""
    node.put([confirmed()], [login(1)])
    whole = convert.trace(confirmed())
    assert api.traces.GetAttackTrace(pb.GetAttackTraceRequest(id=confirmed().id)) == whole
    assert api.traces.GetAttackTrace(pb.GetAttackTraceRequest(id="00000000ABCD")) == whole
    assert api.logins.GetLoginEvent(pb.GetLoginEventRequest(id=login(1).id)) == convert.login(login(1))
    listed = api.logins.ListLoginEvents(pb.ListLoginEventsRequest(filter=pb.LoginEventFilter(user="alice")))
    assert list(listed.login_events) == [convert.login(login(1))]


def test_what_a_client_got_wrong(node: Served, api: Stubs) -> None:
    """Each kind of mistake has its status and a message that names it."""
    node.put([trace(1), trace(2)], [login(1), login(2)])
    token = api.traces.ListAttackTraces(pb.ListAttackTracesRequest(page_size=1)).next_page_token
    ask, get = pb.ListAttackTracesRequest, pb.GetAttackTraceRequest
    invalid = [
        (lambda: api.traces.ListAttackTraces(ask(page_size=1001)), "page_size: 1001"),
        (lambda: api.traces.ListAttackTraces(ask(page_size=-1)), "page_size: -1"),
        (lambda: api.traces.ListAttackTraces(ask(page_token="x")), "page token"),
        (lambda: api.traces.ListAttackTraces(ask(page_token=token, filter=REACHED)), "another filter"),
        (lambda: api.logins.ListLoginEvents(pb.ListLoginEventsRequest(page_token=token)), "another filter"),
        (lambda: api.node.ListAgents(pb.ListAgentsRequest(page_token=token)), "another filter"),
        (lambda: api.traces.GetAttackTrace(get(id="../x")), "'../x'"),
        (lambda: api.traces.ListAttackTraces(ask(filter=pb.AttackTraceFilter(verdict=9))), "filter.verdict: 9"),  # type: ignore[arg-type]
        (
            lambda: list(api.traces.WatchAttackTraces(pb.WatchAttackTracesRequest(filter={"verdict": 9}))),
            "filter.verdict",
        ),
    ]
    for call, message in invalid:
        code, details = status(call)
        assert (code, message in details) == (grpc.StatusCode.INVALID_ARGUMENT, True), details
    assert (
        status(lambda: api.traces.GetAttackTrace(pb.GetAttackTraceRequest(id="ffff")))[0] == grpc.StatusCode.NOT_FOUND
    )
    assert status(lambda: api.logins.GetLoginEvent(pb.GetLoginEventRequest(id="ffff")))[0] == grpc.StatusCode.NOT_FOUND
    code, details = status(lambda: api.traces.GetAttackTrace(get(id="0000")))
    assert (code, trace(1).id in details) == (grpc.StatusCode.FAILED_PRECONDITION, True)


def test_our_own_failures_show_no_insides(node: Served, api: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong here is INTERNAL, without the error's text."""

    def broken(*_: object) -> None:
        raise RuntimeError("/var/lib/cowitness/secret path")

    monkeypatch.setattr(node.store, "traces", broken)
    code, details = status(lambda: api.traces.ListAttackTraces(pb.ListAttackTracesRequest()))
    assert (code, "secret" in details) == (grpc.StatusCode.INTERNAL, False)


def test_watching(node: Served, api: Stubs) -> None:
    """From the initial metadata on, every stored trace that the filter wants arrives, and nothing else."""
    stream = api.traces.WatchAttackTraces(pb.WatchAttackTracesRequest(filter=REACHED))
    logins = api.logins.WatchLoginEvents(pb.WatchLoginEventsRequest())
    stream.initial_metadata()
    logins.initial_metadata()
    node.put([trace(1), trace(2, Verdict.REACHED)], [login(7)])
    node.put([confirmed()])
    answers = [next(stream), next(stream)]
    assert [(one.attack_trace.id, one.missed) for one in answers] == [(trace(2).id, 0), (confirmed().id, 0)]
    assert next(logins).login_event.id == login(7).id
    stream.cancel()
    logins.cancel()


def test_a_watcher_that_reads_too_slowly(node: Served, api: Stubs) -> None:
    """It loses updates, is told how many, and what arrives plus what was missed is what was published."""
    stream = api.traces.WatchAttackTraces(pb.WatchAttackTracesRequest())
    stream.initial_metadata()
    count = 300
    for number in range(count):
        node.put([trace(number, query="x" * 50_000)])
    arrived, missed = [], 0
    for answer in stream:
        arrived.append(answer.attack_trace.id)
        missed = answer.missed
        if answer.attack_trace.id == trace(count - 1).id:
            break
    stream.cancel()
    assert missed > 0
    assert len(arrived) + missed == count
    assert arrived == sorted(arrived)


def test_watchers_leave(node: Served, api: Stubs) -> None:
    """A watcher that goes away frees its place; above the limit the next one is refused."""
    streams = [api.traces.WatchAttackTraces(pb.WatchAttackTracesRequest()) for _ in range(hub.MAX_WATCHERS)]
    for stream in streams:
        stream.initial_metadata()
    code, _ = status(lambda: next(api.traces.WatchAttackTraces(pb.WatchAttackTracesRequest())))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    gone = threading.Event()
    left = node.hub._traces.discard

    def discard(watcher: Any) -> None:
        left(watcher)
        if not node.hub._traces:
            gone.set()

    for watcher in list(node.hub._traces):
        watcher._leave = discard
    for stream in streams:
        stream.cancel()
    assert gone.wait(20)
    assert node.watchers() == 0


def test_agents_page_by_page(node: Served, api: Stubs) -> None:
    """Every agent comes once, the latest connection first, also those of the same moment."""
    node.view.agent_list = [Agent(Process(pid=pid), connect_time=pid // 10) for pid in range(1, 96)]
    found, token = [], ""
    while True:
        answer = api.node.ListAgents(pb.ListAgentsRequest(page_size=10, page_token=token))
        found += [agent.process.pid for agent in answer.agents]
        token = answer.next_page_token
        if not token:
            break
    assert found == sorted(range(1, 96), reverse=True)


def test_edges_page_by_page(node: Served, api: Stubs) -> None:
    """Every edge comes once, in the node's order; nothing of one is lost."""
    way = EdgeConnection(Peer("10.0.0.1", 4000), Peer("10.0.0.2", 80), 5, 7, 8, "a" * 16)
    node.view.edge_list = [
        Edge("front", "back", "10.0.0.1", Peer("10.0.0.2", port), port, 1, 2, (way,)) for port in range(1, 26)
    ]
    found, token = list[pb.Edge](), ""
    while not found or token:
        answer = api.node.ListEdges(pb.ListEdgesRequest(page_size=10, page_token=token))
        found, token = [*found, *answer.edges], answer.next_page_token
    assert [edge.server.port for edge in found] == [edge.connections for edge in found] == list(range(1, 26))
    for message in (found[0], found[0].recent[0]):
        told = {field.name for field, _ in message.ListFields()}
        assert {field.name for field in message.DESCRIPTOR.fields} - told <= {"client_host_name"}


def test_whose_word_an_edge_is(node: Served, api: Stubs) -> None:
    """Of each end that is on this host its name is told, and nothing of the other."""
    ends = [("front", "back", ""), ("front", "", ""), ("", "back", "10.0.0.1")]
    node.view.edge_list = [Edge(*names, Peer("10.0.0.2", 80), 1, 1, 2) for names in ends]
    found = api.node.ListEdges(pb.ListEdgesRequest()).edges
    assert [(one.client_host_name, one.server_host_name) for one in found] == [
        ("host-1", "host-1"), ("host-1", ""), ("", "host-1"),
    ]  # fmt: skip


def test_hosts(node: Served, api: Stubs) -> None:
    """The node's own view is passed on."""
    node.view.host_list = [Host("box", probes_reason="no root", counters={"dropped.x": 3})]
    (host,) = api.node.ListHosts(pb.ListHostsRequest()).hosts
    assert (host.host_name, host.probes_running, host.probes_reason) == ("box", False, "no root")
    assert dict(host.counters) == {"dropped.x": 3}


def test_enforcement(node: Served, api: Stubs) -> None:
    """The policies are shown with their service; the switch takes the known words only."""
    policy = Policy("p", "enforce", execute="listed", programs=("/bin/true",), networks=("10.0.0.0/8",))
    node.view.enforcement = PoliciesInForce("enforce", "no cgroups", (("shop", policy),))
    shown = api.node.GetEnforcement(pb.GetEnforcementRequest())
    assert (shown.mode, shown.reason) == ("enforce", "no cgroups")
    assert shown.policies == [
        pb.Policy(
            name="p", service_name="shop", mode="enforce", scope="requests", execute="listed", programs=["/bin/true"],
            connect="any", networks=["10.0.0.0/8"],
        )
    ]  # fmt: skip
    assert api.node.SetEnforcement(pb.SetEnforcementRequest(mode="off")).mode == "off"
    for word in ("", "on", "OFF"):
        code, details = status(lambda word=word: api.node.SetEnforcement(pb.SetEnforcementRequest(mode=word)))
        assert (code, "mode:" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    assert node.view.enforcement.mode == "off"
