"""The API's filters as the store takes them, and what of them cannot be."""

from __future__ import annotations

import pytest
from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from collector.api import filters
from collector.model import (
    Verdict,
)  # fmt: skip
from collector.store.base import LoginFilter, TraceFilter


def test_filters() -> None:
    """A filter's fields arrive; times beyond what is stored are cut to it."""
    wanted = pb.AttackTraceFilter(
        start_time=Timestamp(seconds=5, nanos=7), end_time=Timestamp(seconds=253402300799), service_name="shop",
        verdict="VERDICT_REACHED", exact_verdict=True, client_address="a", user="u", category="c", trace_id="AB",
    )  # fmt: skip
    assert filters.trace_filter(wanted) == TraceFilter(
        5_000_000_007, (1 << 63) - 1, "shop", Verdict.REACHED, True, "a", "u", "c", "ab"
    )
    logins = pb.LoginEventFilter(outcome="LOGIN_OUTCOME_LOGOUT", user="u")
    assert filters.login_filter(logins) == LoginFilter(outcome="logout", user="u")
    assert filters.trace_filter(pb.AttackTraceFilter()) == TraceFilter()


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (pb.AttackTraceFilter(verdict=77), "filter.verdict"),  # type: ignore[arg-type]
        (pb.AttackTraceFilter(start_time=Timestamp(seconds=-1)), "filter.start_time"),
        (pb.AttackTraceFilter(start_time=Timestamp(seconds=1 << 62)), "filter.start_time"),
        (pb.AttackTraceFilter(end_time=Timestamp(nanos=-1)), "filter.end_time"),
        (pb.AttackTraceFilter(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9)), "filter.end_time"),
    ],
)
def test_filters_that_cannot_be(wanted: pb.AttackTraceFilter, name: str) -> None:
    """The error names the field."""
    with pytest.raises(filters.FilterError, match=name):
        filters.trace_filter(wanted)
    with pytest.raises(filters.FilterError, match=r"filter\.outcome"):
        filters.login_filter(pb.LoginEventFilter(outcome=77))  # type: ignore[arg-type]
