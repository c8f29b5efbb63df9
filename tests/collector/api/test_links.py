"""Linked requests: what asked for an attack, and what it asked, whether something was found in them or not."""

from __future__ import annotations

from pathlib import Path

from cowitness.v1 import cowitness_pb2 as pb
from msgspec.structs import replace

from collector.api.links import with_linked
from collector.model import AttackTrace, Process, Request
from collector.store.sqlite import SqliteStore
from tests.collector.records import START, confirmed

TRACE = "a" * 32
FRONT = Request(
    "1" * 16, TRACE, start_time=START - 5, path="/go", sent_span_ids=("1" * 16, "9" * 16), client_address="203.0.113.9",
    process=Process(service="front"),
)  # fmt: skip


def attack(number: int, **request: object) -> AttackTrace:
    known = confirmed()
    request_id = f"{number:016x}"
    changed = replace(known.request, request_id=request_id, trace_id=TRACE, start_time=START + number, **request)
    return replace(known, id=request_id, request=changed)


def test_relations(tmp_path: Path) -> None:
    """Parents and children by the spans that were sent and named (a tracer's in between, too), others of the trace;
    in the order of their start, without headers."""
    store = SqliteStore(tmp_path)
    middle = replace(attack(2, remote_span_id="9" * 16, sent_span_ids=("7" * 16,)), linked=(FRONT,))
    store.save([middle, attack(3, remote_span_id="7" * 16), attack(4)], [])
    found = with_linked(store.trace(middle.id), store).linked
    assert [(one.id, one.relation, one.verdict) for one in found] == [
        (FRONT.request_id, pb.RELATION_PARENT, pb.VERDICT_UNSPECIFIED),
        (f"{3:016x}", pb.RELATION_CHILD, pb.VERDICT_CONFIRMED),
        (f"{4:016x}", pb.RELATION_UNSPECIFIED, pb.VERDICT_CONFIRMED),
    ]
    assert (found[0].request.process.service_name, found[0].request.client_address) == ("front", "203.0.113.9")
    assert list(found[1].categories) == ["command_injection"]
    assert not any(one.request.request_headers for one in found)
    store.close()


def test_an_innocent_request_that_has_become_a_trace(tmp_path: Path) -> None:
    """It is listed once, as what it is now."""
    store = SqliteStore(tmp_path)
    first = replace(attack(2), linked=(replace(FRONT, request_id=f"{3:016x}"),))
    store.save([first, attack(3)], [])
    assert [one.verdict for one in with_linked(first, store).linked] == [pb.VERDICT_CONFIRMED]
    store.close()


def other(trace: AttackTrace, trace_id: str) -> AttackTrace:
    return replace(trace, request=replace(trace.request, trace_id=trace_id))


def test_by_connection(tmp_path: Path) -> None:
    """Requests that a connection led to have traces of their own, or none that has been stored: each says how it was
    found, the connection before the trace id."""
    store = SqliteStore(tmp_path)
    asked = (f"{3:016x}", f"{9:016x}")
    known = replace(other(attack(2), ""), asked_by=FRONT.request_id, asked=asked, linked=(FRONT,))
    store.save([known, other(attack(3), "b" * 32)], [])
    found = with_linked(known, store).linked
    assert [(one.id, one.relation, one.verdict, one.found_by) for one in found] == [
        (FRONT.request_id, pb.RELATION_PARENT, pb.VERDICT_UNSPECIFIED, pb.LINK_SOURCE_CONNECTION),
        (f"{3:016x}", pb.RELATION_CHILD, pb.VERDICT_CONFIRMED, pb.LINK_SOURCE_CONNECTION),
    ]
    same = replace(attack(4), linked=(FRONT,))
    assert [one.found_by for one in with_linked(same, store).linked] == [pb.LINK_SOURCE_TRACE_ID]
    store.close()


def test_alone(tmp_path: Path) -> None:
    """A request without a trace id has nobody."""
    store = SqliteStore(tmp_path)
    one = replace(confirmed(), request=replace(confirmed().request, trace_id=""))
    store.save([one, attack(2)], [])
    assert not with_linked(one, store).linked
    store.close()
