"""The words of the options."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cowitness.v1 import cowitness_pb2 as pb

from collector.cli import words
from collector.cli.failure import WRONG, CommandError

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("30s", "2026-01-31T11:59:30Z"),
        ("15m", "2026-01-31T11:45:00Z"),
        ("2h", "2026-01-31T10:00:00Z"),
        ("1d", "2026-01-30T12:00:00Z"),
        ("1w", "2026-01-24T12:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01 00:00:00.5", "2026-01-01T00:00:00.500Z"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
    ],
)
def test_times(word: str, meant: str) -> None:
    """Times ago and RFC 3339; without an offset it is UTC."""
    assert words.time_of("--since", word, NOW).ToJsonString() == meant


@pytest.mark.parametrize(
    "word",
    ["soonish", "", "5", "m", "-5m", "5y", "1.5h", "9999999d", "999999w", "2026-13-01", "1900-01-01", "\u0661m" * 9],
)
def test_what_is_no_time(word: str) -> None:
    """The error names the option and the word."""
    with pytest.raises(CommandError, match="--until") as caught:
        words.time_of("--until", word, NOW)
    assert caught.value.code == WRONG
    assert word in str(caught.value)


def test_filters() -> None:
    """Options become the API's filters; what was not given stays empty."""
    assert words.trace_filter() == pb.AttackTraceFilter()
    assert words.trace_filter(verdict="reached", user="u", category="c") == pb.AttackTraceFilter(
        verdict="VERDICT_REACHED", user="u", category="c"
    )
    assert words.login_filter(outcome="logout", address="a", service="s") == pb.LoginEventFilter(
        outcome="LOGIN_OUTCOME_LOGOUT", client_address="a", service_name="s"
    )
