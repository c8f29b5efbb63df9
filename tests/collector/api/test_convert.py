"""Conversion: nothing is lost on the way to the API, and nothing odd from an app can fail it."""

from __future__ import annotations

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.json_format import MessageToDict
from msgspec.structs import replace

from collector.api import convert, filters
from collector.inventory import Agent, Capability, Hook, Host
from collector.model import (
    Action,
    AttackTrace,
    Finding,
    KernelEvent,
    LoginEvent,
    Messaging,
    Operation,
    Peer,
    Process,
    Request,
    User,
    Verdict,
)
from probes.vocabulary import Ancestor
from tests.collector.records import START, confirmed

FULL = AttackTrace(
    "00000000abcdef12", Verdict.CONFIRMED, Action.BLOCKED,
    Request(
        "00000000abcdef12", "t" * 32, "p" * 16, START, 5_000_000_007, 77, "POST", "https", "shop.test", "/p", "q=1",
        "/<p>", "flask", (("a", "1"), ("a", "2")), (("b", "3"),), 500, 12, "203.0.113.9", True, Peer("10.0.0.1", 1),
        Peer("10.0.0.2", 2), User("7", "alice", "d1", {"role": "admin"}), "curl", "ValueError", "no",
        Process(4321, "shop", "CPython", "/usr/bin/python3", "c0ffee", "box", "1.2"), "r" * 16, ("s" * 16,),
        Messaging("celery", "process", "mail", "m-1"), ("a.py:1 f",), 0, True, "2",
    ),
    (Finding("r-1", "Rule", "xss", Verdict.REACHED, ("CWE-79",), Action.BLOCKED, "query", "q", "v", "h", 3, "stmt"),),
    (
        Operation(
            3, "sql", START + 1, 2, "select", "sqlite3", "Error", ("a.py:1 f",), True, (), "sqlite", "SELECT a",
            Peer("db", 5), 6, True,
        ),
    ),
    (
        KernelEvent(
            "exec", START + 3, 4400, 4401, "inherited", "00000000abcdef12", 4321, 1000, "sh", "/bin/sh", ("sh",), True
        ),
        KernelEvent(
            "connect", START + 4, 1, 2, "exact", family="ipv6", address="::1", port=443, result=-111, service="back",
            local_address="::1", local_port=9, net=7,
        ),
        KernelEvent("open", START + 5, 1, 2, "none", path="/etc/passwd", flags=577),
        KernelEvent("exit", START + 6, 1, 2, exit_code=256),
        KernelEvent("fork", START + 7, 1, 2, child_pid=9),
        KernelEvent(
            "exec", START + 8, 1, 2, process_start=START, login_uid=1000, operation="o", target="t", target_pid=5,
            size=6, ids=(-1, 7), streams=3, nameless=True, verified=True, ancestors=(Ancestor(3, START, "sh"),),
            container_id="c", unit="shop.service", policy="p", enforced=True,
        ),
    ), (0, 2), 11, True, START + 9, repeats=5, last_repeat_time=START + 10,
)  # fmt: skip


def fields_left_out(message: object) -> set[str]:
    """The fields of a message that hold their default."""
    descriptor = message.DESCRIPTOR  # type: ignore[attr-defined]
    return {field.name for field in descriptor.fields} - {field.name for field, _ in message.ListFields()}  # type: ignore[attr-defined]


def test_every_field_of_a_trace_arrives() -> None:
    """With every noun filled, no field of the API's messages is left empty, and the values stand in the right ones."""
    made = convert.trace(FULL)
    assert fields_left_out(made) == {"linked"}  # links.py's
    assert fields_left_out(made.request) == set()
    assert fields_left_out(made.request.messaging) == set()
    assert fields_left_out(made.request.process) == set()
    assert fields_left_out(made.request.user) == set()
    assert fields_left_out(made.findings[0]) == set()
    assert fields_left_out(made.operations[0]) == set()
    assert made.request.peer == pb.NetworkPeer(address="10.0.0.1", port=1)
    assert made.request.kernel_peer == pb.NetworkPeer(address="10.0.0.2", port=2)
    assert (made.request.client_address, made.request.server_address) == ("203.0.113.9", "shop.test")
    assert made.request.start_time.ToNanoseconds() == START
    assert (made.request.body_size, made.request.response_body_size) == (12, 0)
    assert not convert.request(Request("a")).HasField("response_body_size")
    assert made.request.duration.ToNanoseconds() == 5_000_000_007
    assert [(one.name, one.value) for one in made.request.request_headers] == [("a", "1"), ("a", "2")]
    assert list(made.categories) == ["xss"]


def test_kernel_events() -> None:
    """Each kind has its own fields; together they fill the message; evidence is marked by index."""
    made = convert.trace(FULL).kernel_events
    assert [event.evidence for event in made] == [True, False, True, False, False, False]
    everywhere = set.intersection(*(fields_left_out(event) for event in made))
    assert everywhere == set()
    assert (made[0].executable_path, made[0].path, made[2].path) == ("/bin/sh", "", "/etc/passwd")
    assert (made[1].peer.address, made[1].peer.port, made[1].result) == ("::1", 443, -111)
    assert {event.executable_path for event in made[1:]} == {""}
    assert not made[0].HasField("peer")
    words = [pb.Attribution.Name(event.attribution) for event in made[:3]]
    assert words == ["ATTRIBUTION_INHERITED", "ATTRIBUTION_EXACT", "ATTRIBUTION_NONE"]


def test_a_finding_without_operation() -> None:
    """operation_index is absent for -1 and present for 0."""
    assert not convert.finding(replace(FULL.findings[0], operation_index=-1)).HasField("operation_index")
    assert convert.finding(replace(FULL.findings[0], operation_index=0)).HasField("operation_index")


def test_logins_agents_and_hosts() -> None:
    """The other messages are filled completely too."""
    event = LoginEvent(
        "0" * 16, START, "logout", User("7", "a", "d"), "t", "r", "django", "203.0.113.9", True, Peer("1.2.3.4", 5),
        Peer("1.2.3.4", 6), FULL.request.process, "curl", "/logout", True, "payment.failure", {"card": "none"},
        FULL.kernel_events, 3, "1" * 16,
    )  # fmt: skip
    agent = Agent(
        FULL.request.process, "block", "0.1", START, START + 1, True, True, (Hook("a.b", "failed", "x"),), {"n": 1}, 7
    )
    host = Host("box", "Debian", "6.1", "x86_64", True, "why", (Capability("bcc", True, "p"),), {"n": 1}, "0.1", START)
    for made in (convert.login(event), convert.agent(agent), convert.host(host)):
        assert fields_left_out(made) == set()
    assert [filters.OUTCOME_NAMES[convert.login(replace(event, outcome=o)).outcome] for o in convert.OUTCOMES] == [
        "success", "failure", "logout", "signup", "custom",
    ]  # fmt: skip


def test_json_always_has_the_peers() -> None:
    """Peers, user and process are there even when empty, so that a reader of the JSON needs no special case."""
    made = MessageToDict(
        convert.trace(replace(confirmed(), request=Request("a"))), always_print_fields_with_no_presence=True
    )
    assert made["request"]["peer"] == made["request"]["kernelPeer"] == {"address": "", "port": 0}
    assert made["request"]["user"]["login"] == ""


def test_odd_values_fit() -> None:
    """Lone surrogates, and numbers that no field can hold, are made to fit instead of failing a whole listing."""
    odd = replace(
        FULL,
        request=replace(
            FULL.request, path="/\ud800", start_time=1 << 80, duration=-5, status=-1, thread_id=1 << 60,
            body_size=1 << 70, response_body_size=1 << 70, peer=Peer("x", 1 << 20), process=Process(pid=-1),
        ),
        kernel_events=(KernelEvent("open", -5, -1, 1 << 40, result=-(1 << 40), path="\udcff"),),
    )  # fmt: skip
    made = convert.trace(odd)
    assert made.request.url_path == "/\\ud800"
    assert made.request.start_time.ToJsonString().startswith("9999-12-31")
    assert made.kernel_events[0].path == "\\udcff"
    assert made.SerializeToString()
