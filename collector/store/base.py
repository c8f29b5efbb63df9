"""What a store is: traces and logins, kept by id, listed newest first, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from collector.model import AttackTrace, LoginEvent, User, Verdict

T = TypeVar("T")

MIN_PREFIX = 4
"""Digits of an id that are the least to look for."""


class PageTokenError(ValueError):
    """A page token that is not one, or belongs to another filter."""


class IdError(ValueError):
    """Something that cannot be an id or the beginning of one."""


class NotFoundError(LookupError):
    """No record has this id."""


class AmbiguousError(LookupError):
    """More than one record's id begins so."""


class TraceFilter(Struct, frozen=True):
    """AttackTraceFilter of the API. `start_time` is inclusive, `end_time` exclusive (ns, 0 is open); text is exact.

    >>> TraceFilter(service="shop").service
    'shop'
    """

    start_time: int = 0
    end_time: int = 0
    service: str = ""
    verdict: Verdict = Verdict.NONE
    exact_verdict: bool = False
    client_address: str = ""
    user: str = ""
    category: str = ""
    trace_id: str = ""

    def matches(self, trace: AttackTrace) -> bool:
        """Whether a watcher with this filter wants this trace; the same as the store's answer."""
        request = trace.request
        return (
            _within(request.start_time, self.start_time, self.end_time)
            and self._verdict_matches(trace.verdict)
            and self.service in ("", request.process.service)
            and self.client_address in ("", request.client_address)
            and _is_user(request.user, self.user)
            and self.trace_id in ("", request.trace_id)
            and (not self.category or any(f.category == self.category for f in trace.findings))
        )

    def _verdict_matches(self, verdict: Verdict) -> bool:
        if self.exact_verdict and self.verdict:
            return verdict == self.verdict
        return verdict >= self.verdict


class LoginFilter(Struct, frozen=True):
    """LoginEventFilter of the API; like TraceFilter."""

    start_time: int = 0
    end_time: int = 0
    service: str = ""
    outcome: str = ""
    client_address: str = ""
    user: str = ""

    def matches(self, login: LoginEvent) -> bool:
        """Whether a watcher with this filter wants this login."""
        return (
            _within(login.time, self.start_time, self.end_time)
            and self.outcome in ("", login.outcome)
            and self.service in ("", login.process.service)
            and self.client_address in ("", login.client_address)
            and _is_user(login.user, self.user)
        )


class Page(Struct, Generic[T], frozen=True):
    """Some records, and the token for the next ones; the token of the last page is empty."""

    items: tuple[T, ...]
    next_token: str = ""


class Store(Protocol):
    """Safe to use from several threads at a time. A page may hold fewer records than asked for; only an empty token
    says that it was the last."""

    def save(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        """Commit, new or changed; what is saved once survives. A trace's verdict never goes down."""

    def traces(self, wanted: TraceFilter, page_size: int, token: str = "") -> Page[AttackTrace]:
        """Newest request first; raises PageTokenError."""

    def trace(self, trace_id: str) -> AttackTrace:
        """By id or by a prefix that only one trace has; raises IdError, NotFoundError, AmbiguousError."""

    def logins(self, wanted: LoginFilter, page_size: int, token: str = "") -> Page[LoginEvent]:
        """Newest first; raises PageTokenError."""

    def login(self, login_id: str) -> LoginEvent:
        """Like `trace`."""

    def prune(self) -> int:
        """Delete what is too old or too much; how many records went. To be called now and then."""

    def close(self) -> None:
        """Finish; nothing may be called after it."""


def categories(trace: AttackTrace) -> tuple[str, ...]:
    """The categories of a trace's findings, each once, in their order."""
    return tuple(dict.fromkeys(finding.category for finding in trace.findings))


def _within(time: int, start: int, end: int) -> bool:
    return time >= start and (not end or time < end)


def _is_user(user: User, wanted: str) -> bool:
    return not wanted or wanted in (user.id, user.login)
