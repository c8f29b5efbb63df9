"""From filters and records to SQL: which columns exist beside the record itself, and how filters use them. No I/O."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from collector.model import AttackTrace, LoginEvent, Verdict
from collector.store.base import LoginFilter, TraceFilter, categories
from collector.store.tokens import Position

SCHEMA = """
CREATE TABLE traces (
  id TEXT PRIMARY KEY, time INTEGER NOT NULL, stored INTEGER NOT NULL, verdict INTEGER NOT NULL, service TEXT NOT NULL,
  address TEXT NOT NULL, user_id TEXT NOT NULL, user_login TEXT NOT NULL, categories TEXT NOT NULL,
  trace_id TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX traces_time ON traces (time, id);
CREATE INDEX traces_service ON traces (service, time, id);
CREATE INDEX traces_address ON traces (address, time, id);
CREATE INDEX traces_verdict ON traces (verdict, time, id);
CREATE INDEX traces_trace_id ON traces (trace_id);
CREATE INDEX traces_stored ON traces (stored);
CREATE TABLE logins (
  id TEXT PRIMARY KEY, time INTEGER NOT NULL, stored INTEGER NOT NULL, outcome TEXT NOT NULL, service TEXT NOT NULL,
  address TEXT NOT NULL, user_id TEXT NOT NULL, user_login TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX logins_time ON logins (time, id);
CREATE INDEX logins_service ON logins (service, time, id);
CREATE INDEX logins_address ON logins (address, time, id);
CREATE INDEX logins_stored ON logins (stored);
"""
"""`time` is the record's own and orders listings; `stored` is this clock's and rules what is old: an app's word about
the time must not decide what is kept."""

TRACE_COLUMNS = (
    "id", "time", "stored", "verdict", "service", "address", "user_id", "user_login", "categories", "trace_id", "body",
)  # fmt: skip
LOGIN_COLUMNS = ("id", "time", "stored", "outcome", "service", "address", "user_id", "user_login", "body")

Row = tuple[Any, ...]


def upsert(table: str, columns: tuple[str, ...], condition: str = "") -> str:
    """An INSERT that replaces the row of the same id, where `condition` holds."""
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {sets}"  # noqa: S608 - our own constants
    return f"{statement} WHERE {condition}" if condition else statement


SAVE_TRACE = upsert("traces", TRACE_COLUMNS, "excluded.verdict >= traces.verdict")
"""A batch that is sent again after a restart knows less than what was stored: it must not take a verdict back."""

SAVE_LOGIN = upsert("logins", LOGIN_COLUMNS)


def trace_row(trace: AttackTrace) -> Row:
    """The values of TRACE_COLUMNS."""
    request = trace.request
    return (
        trace.id, request.start_time, time.time_ns(), int(trace.verdict), request.process.service,
        request.client_address, request.user.id, request.user.login, f",{','.join(categories(trace))},",
        request.trace_id, msgspec.json.encode(trace),
    )  # fmt: skip


def login_row(login: LoginEvent) -> Row:
    """The values of LOGIN_COLUMNS."""
    return (
        login.id, login.time, time.time_ns(), login.outcome, login.process.service, login.client_address,
        login.user.id, login.user.login, msgspec.json.encode(login),
    )  # fmt: skip


def trace_terms(wanted: TraceFilter) -> list[tuple[str, Row]]:
    """Conditions and their values."""
    terms = _common_terms(wanted)
    if wanted.verdict:
        exact = wanted.exact_verdict or wanted.verdict == Verdict.CONFIRMED  # the same, but the index serves it
        terms.append(("verdict = ?" if exact else "verdict >= ?", (int(wanted.verdict),)))
    if wanted.category:
        terms.append(("instr(categories, ?) > 0", (f",{wanted.category},",)))
    if wanted.trace_id:
        terms.append(("trace_id = ?", (wanted.trace_id,)))
    return terms


def login_terms(wanted: LoginFilter) -> list[tuple[str, Row]]:
    """Conditions and their values."""
    terms = _common_terms(wanted)
    if wanted.outcome:
        terms.append(("outcome = ?", (wanted.outcome,)))
    return terms


def select(table: str, terms: list[tuple[str, Row]], after: Position | None) -> tuple[str, list[Any]]:
    """The statement that lists a page, newest first, with its values (the LIMIT's is to be added)."""
    if after is not None:
        terms = [*terms, ("(time, id) < (?, ?)", (after.time, after.id))]
    where = " AND ".join(condition for condition, _ in terms) or "1"
    statement = f"SELECT id, time, body FROM {table} WHERE {where} ORDER BY time DESC, id DESC LIMIT ?"  # noqa: S608 - our own constants
    return statement, [value for _, values in terms for value in values]


def _common_terms(wanted: TraceFilter | LoginFilter) -> list[tuple[str, Row]]:
    terms: list[tuple[str, Row]] = []
    if wanted.start_time:
        terms.append(("time >= ?", (wanted.start_time,)))
    if wanted.end_time:
        terms.append(("time < ?", (wanted.end_time,)))
    if wanted.service:
        terms.append(("service = ?", (wanted.service,)))
    if wanted.client_address:
        terms.append(("address = ?", (wanted.client_address,)))
    if wanted.user:
        terms.append(("(user_id = ? OR user_login = ?)", (wanted.user, wanted.user)))
    return terms
