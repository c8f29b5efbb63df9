"""Attack traces of other hosts at the other ends of a trace's connections: who asked for this request there, and whom
this one asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cowitness.v1 import cowitness_pb2 as pb

from collector.correlate.peers import is_loopback, plain

APART = 1.0
"""Seconds between something sent on a connection and the request that it was, by the clocks of two hosts. Others may
have used a kept connection before and after."""

SENDING = frozenset(("connect", "turn"))


def meet(trace: pb.AttackTrace, others: Sequence[pb.AttackTrace]) -> pb.AttackTrace:
    """The trace, with those of the others that it belongs with among its linked requests."""
    known = {trace.id, *(one.id for one in trace.linked)}
    strangers = [other for other in others if other.id not in known]
    callers = [other for other in strangers if asks(other, trace)]
    found = [_linked(other, pb.RELATION_PARENT) for other in callers if len(callers) == 1]
    found += [_linked(other, pb.RELATION_CHILD) for other in strangers if asks(trace, other)]
    trace.linked.extend(sorted(found, key=lambda one: one.request.start_time.ToNanoseconds()))
    return trace


def asks(caller: pb.AttackTrace, callee: pb.AttackTrace) -> bool:
    """Whether the one sent something on the connection that the other came by, when it came. Loopback addresses are
    each host's own."""
    client, start = callee.request.kernel_peer, callee.request.start_time.ToNanoseconds()
    if not client.port or is_loopback(plain(client.address)) or caller.id == callee.id:
        return False
    return any(abs(start - time) < APART * 1e9 for time in _sent(caller, client))


def _sent(trace: pb.AttackTrace, end: pb.NetworkPeer) -> Iterator[int]:
    """When a request connected from this address and port, or took its turn on that connection (ns)."""
    for event in trace.kernel_events:
        if event.kind in SENDING and (plain(event.local.address), event.local.port) == (plain(end.address), end.port):
            yield event.time.ToNanoseconds()


def _linked(other: pb.AttackTrace, relation: pb.Relation) -> pb.LinkedRequest:
    found = pb.LinkedRequest(
        id=other.id, relation=relation, verdict=other.verdict, action=other.action, categories=other.categories,
        request=other.request, found_by=pb.LINK_SOURCE_CONNECTION,
    )  # fmt: skip
    for headers in ("request_headers", "response_headers"):
        found.request.ClearField(headers)
    return found
