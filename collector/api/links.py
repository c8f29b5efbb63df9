"""The other requests of an attack trace's W3C trace, and at the other ends of its connections: those that are attack
traces too, and those it keeps."""

from __future__ import annotations

from collections.abc import Sequence

from cowitness.v1 import cowitness_pb2 as pb
from msgspec.structs import replace

from collector.api import convert
from collector.model import AttackTrace, Request
from collector.store.base import NotFoundError, Store, TraceFilter, categories

MAX_LINKED = 100


def with_linked(trace: AttackTrace, store: Store) -> pb.AttackTrace:
    """The whole message, `linked` included. Asks the store for the traces of the same trace id."""
    message = convert.trace(trace)
    wanted = trace.request.trace_id
    others = {other.id: other for other in store.traces(TraceFilter(trace_id=wanted), MAX_LINKED).items if wanted}
    for request_id in filter(None, (trace.asked_by, *trace.asked)):
        if request_id not in others and (found := _stored(store, request_id)) is not None:
            others[request_id] = found
    message.linked.extend(linked(trace, [other for other in others.values() if other.id != trace.id]))
    return message


def _stored(store: Store, request_id: str) -> AttackTrace | None:
    try:
        return store.trace(request_id)
    except NotFoundError:
        return None


def linked(trace: AttackTrace, others: Sequence[AttackTrace]) -> list[pb.LinkedRequest]:
    """All of them, the earliest first."""
    known = {other.id for other in others} | {trace.id}
    found = [(other.request, _attacked(other)) for other in others]
    found += [(one, pb.LinkedRequest()) for one in trace.linked if one.request_id not in known]
    for request, message in found:
        connected = _connected(request.request_id, trace)
        message.id, message.relation = convert.text(request.request_id), connected or relation(request, trace.request)
        message.found_by = pb.LINK_SOURCE_CONNECTION if connected else pb.LINK_SOURCE_TRACE_ID
        message.request.CopyFrom(convert.request(replace(request, headers=(), response_headers=())))
    return [message for _, message in sorted(found, key=lambda one: (one[0].start_time, one[0].request_id))]


def _connected(request_id: str, trace: AttackTrace) -> pb.Relation | None:
    """What a connection says of the two; None where there is none."""
    if request_id == trace.asked_by:
        return pb.RELATION_PARENT
    return pb.RELATION_CHILD if request_id in trace.asked else None


def relation(other: Request, request: Request) -> pb.Relation:
    """Which of two requests asked for which, by the span that the caller was said to have."""
    if request.remote_span_id and request.remote_span_id in (other.request_id, *other.sent_span_ids):
        return pb.RELATION_PARENT
    if other.remote_span_id and other.remote_span_id in (request.request_id, *request.sent_span_ids):
        return pb.RELATION_CHILD
    return pb.RELATION_UNSPECIFIED


def _attacked(trace: AttackTrace) -> pb.LinkedRequest:
    return pb.LinkedRequest(
        verdict=convert.VERDICTS.get(trace.verdict), action=convert.ACTIONS.get(trace.action),
        categories=map(convert.text, categories(trace)),
    )  # fmt: skip
