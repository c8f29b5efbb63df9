"""Filters: what a watcher's filter wants is what the store's listing gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.model import User, Verdict
from collector.store.base import LoginFilter, TraceFilter, categories
from collector.store.sqlite import SqliteStore
from tests.collector.records import START, confirmed, login, trace

SECOND = 1_000_000_000
TRACES = [
    *(trace(number, Verdict(1 + number % 3)) for number in range(12)),
    trace(20, category="sql_injection", client_address="198.51.100.1", user=User("9", "bob")),
    trace(21, process=confirmed().request.process, path="/x", trace_id="f" * 32),
    confirmed(),
]
LOGINS = [
    login(1), login(2, "failure", user=User(login="bob")), login(3, "logout"),
    login(4, client_address="198.51.100.1"), login(5, process=confirmed().request.process),
]  # fmt: skip
TRACE_FILTERS = [
    TraceFilter(),
    TraceFilter(start_time=START + 3 * SECOND),
    TraceFilter(start_time=START + 3 * SECOND, end_time=START + 6 * SECOND),
    TraceFilter(service="shop"),
    TraceFilter(service="sho"),
    TraceFilter(verdict=Verdict.REACHED),
    TraceFilter(verdict=Verdict.REACHED, exact_verdict=True),
    TraceFilter(verdict=Verdict.CONFIRMED),
    TraceFilter(exact_verdict=True),
    TraceFilter(client_address="198.51.100.1"),
    TraceFilter(user="9"),
    TraceFilter(user="bob"),
    TraceFilter(user="alice", verdict=Verdict.CONFIRMED),
    TraceFilter(category="sql_injection"),
    TraceFilter(category="sql"),
    TraceFilter(category="%"),
    TraceFilter(trace_id="f" * 32),
    TraceFilter(user="' OR 1 --"),
]
LOGIN_FILTERS = [
    LoginFilter(),
    LoginFilter(start_time=START + 2 * SECOND, end_time=START + 4 * SECOND),
    LoginFilter(outcome="failure"),
    LoginFilter(user="bob"),
    LoginFilter(client_address="198.51.100.1", service="shop"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path_factory.mktemp("store"))
    made.save(TRACES, LOGINS)
    yield made
    made.close()


@pytest.mark.parametrize("wanted", TRACE_FILTERS, ids=str)
def test_traces(store: SqliteStore, wanted: TraceFilter) -> None:
    """`matches` and the listing agree on every trace."""
    listed = {one.id for one in store.traces(wanted, 1000).items}
    assert listed == {one.id for one in TRACES if wanted.matches(one)}


@pytest.mark.parametrize("wanted", LOGIN_FILTERS, ids=str)
def test_logins(store: SqliteStore, wanted: LoginFilter) -> None:
    """`matches` and the listing agree on every login."""
    listed = {one.id for one in store.logins(wanted, 1000).items}
    assert listed == {one.id for one in LOGINS if wanted.matches(one)}


def test_the_filters_are_told_apart() -> None:
    """The filters above select neither always everything nor always nothing."""
    counts = [sum(map(wanted.matches, TRACES)) for wanted in TRACE_FILTERS]
    assert counts == [15, 11, 3, 15, 0, 9, 4, 5, 15, 1, 1, 1, 1, 1, 0, 0, 1, 0]
    assert [sum(map(wanted.matches, LOGINS)) for wanted in LOGIN_FILTERS] == [5, 2, 1, 1, 1]


def test_categories_are_named_once_in_order(tmp_path: Path) -> None:
    """A trace's categories are those of its findings, each once."""
    assert categories(confirmed()) == ("command_injection",)
