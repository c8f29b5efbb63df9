"""From the API's filters to the store's. Pure."""

from __future__ import annotations

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from collector.api.convert import LAST, OUTCOMES, SECOND
from collector.model import Verdict
from collector.store.base import LoginFilter, TraceFilter

MAX_STORED_TIME = (1 << 63) - 1
OUTCOME_NAMES = {number: name for name, number in OUTCOMES.items()}


class FilterError(ValueError):
    """A filter that cannot be; the message names the field."""


def trace_filter(value: pb.AttackTraceFilter) -> TraceFilter:
    """Raises FilterError for what a filter cannot hold."""
    if value.verdict not in pb.Verdict.values():
        raise FilterError(f"filter.verdict: {value.verdict} is none of the known verdicts")
    start, end = _range(value)
    return TraceFilter(
        start, end, value.service_name, Verdict(value.verdict), value.exact_verdict, value.client_address,
        value.user, value.category, value.trace_id.lower(),
    )  # fmt: skip


def login_filter(value: pb.LoginEventFilter) -> LoginFilter:
    """Raises FilterError for what a filter cannot hold."""
    if value.outcome and value.outcome not in OUTCOME_NAMES:
        raise FilterError(f"filter.outcome: {value.outcome} is none of the known outcomes")
    start, end = _range(value)
    outcome = OUTCOME_NAMES.get(value.outcome, "")
    return LoginFilter(start, end, value.service_name, outcome, value.client_address, value.user)


def _range(value: pb.AttackTraceFilter | pb.LoginEventFilter) -> tuple[int, int]:
    start, end = (_nanoseconds(value, name) for name in ("start_time", "end_time"))
    if end and end <= start:
        raise FilterError("filter.end_time: it must be after filter.start_time")
    return start, end


def _nanoseconds(value: pb.AttackTraceFilter | pb.LoginEventFilter, name: str) -> int:
    if not value.HasField(name):
        return 0
    stamp: Timestamp = getattr(value, name)
    if not (0 <= stamp.seconds * SECOND <= LAST and 0 <= stamp.nanos < SECOND):
        raise FilterError(f"filter.{name}: not a time between 1970 and 9999")
    return min(stamp.seconds * SECOND + stamp.nanos, MAX_STORED_TIME)
