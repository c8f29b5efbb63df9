"""The words of the command line, read: times, verdicts, outcomes, and the filters made of them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from collector.cli.failure import WRONG, CommandError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([smhdw])")


def time_of(option: str, text: str, now: datetime | None = None) -> Timestamp:
    """The time that "15m", "2h", "1d" (ago) or an RFC 3339 time means; raises CommandError that names both."""
    if match := _AGO.fullmatch(text.strip()):
        ago = timedelta(**{UNITS[match[2]]: int(match[1])})
        return _stamp(option, text, (now or datetime.now(UTC)), ago)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _no_time(option, text) from None
    return _stamp(option, text, moment if moment.tzinfo else moment.replace(tzinfo=UTC), timedelta())


def trace_filter(
    since: str | None = None, until: str | None = None, service: str | None = None, verdict: str | None = None,
    address: str | None = None, user: str | None = None, category: str | None = None, trace_id: str | None = None,
) -> pb.AttackTraceFilter:  # fmt: skip
    """The filter that these options make; raises CommandError."""
    return pb.AttackTraceFilter(
        start_time=_optional("--since", since), end_time=_optional("--until", until),
        service_name=service, verdict=f"VERDICT_{verdict.upper()}" if verdict else None,
        client_address=address, user=user, category=category, trace_id=trace_id,
    )  # fmt: skip


def login_filter(
    since: str | None = None, until: str | None = None, service: str | None = None, outcome: str | None = None,
    address: str | None = None, user: str | None = None,
) -> pb.LoginEventFilter:  # fmt: skip
    """The filter that these options make; raises CommandError."""
    return pb.LoginEventFilter(
        start_time=_optional("--since", since), end_time=_optional("--until", until),
        service_name=service, outcome=f"LOGIN_OUTCOME_{outcome.upper()}" if outcome else None,
        client_address=address, user=user,
    )  # fmt: skip


def _optional(option: str, text: str | None) -> Timestamp | None:
    return None if text is None else time_of(option, text)


def _stamp(option: str, text: str, moment: datetime, ago: timedelta) -> Timestamp:
    stamp = Timestamp()
    try:
        stamp.FromDatetime((moment - ago).astimezone(UTC))
        if stamp.seconds < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise _no_time(option, text) from None
    return stamp


def _no_time(option: str, text: str) -> CommandError:
    return CommandError(
        f"{option}: '{text}' is no time; say 15m, 2h or 1d (ago), or 2026-01-31T12:00:00Z (without an offset: UTC)",
        WRONG,
    )
