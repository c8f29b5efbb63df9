"""Memory of requests under way: bounded, and fair between processes."""

from __future__ import annotations

import msgspec

from collector.inspector.limits import Limits
from collector.inspector.views import Views
from collector.model import Request
from collector.wire.agent import RequestRecord
from tests.collector.inspector.support import record


def made(request_id: str, body: str = "") -> RequestRecord:
    return msgspec.convert(record(request_id, phase="start", body=body), RequestRecord)


def test_bounded_by_count() -> None:
    """The oldest requests of the heaviest process go; another process keeps its own."""
    views = Views(Limits(views=10))
    views.merge(1, made("a" * 16))
    for i in range(50):
        views.merge(2, made(f"{i:016x}"))
    assert len(views) == 10
    assert views.get(1, "a" * 16) is not None
    assert views.forgotten == 41


def test_bounded_by_weight() -> None:
    """Large bodies weigh more."""
    views = Views(Limits(views_bytes=100_000))
    for i in range(50):
        views.merge(2, made(f"{i:016x}", "x" * 20_000))
    assert views.weight <= 100_000
    assert len(views) == 4


def test_a_record_above_the_limit() -> None:
    """A request that alone is too heavy is forgotten at once; finishing it leaves the accounts right."""
    views = Views(Limits(views_bytes=1000))
    view = views.merge(1, made("1" * 16, "x" * 5000))
    views.finish(1, view, "1" * 16, lambda: Request("1" * 16))
    assert (len(views), views.weight) == (0, 0)
    views.merge(1, made("2" * 16))
    assert (len(views), views.weight) == (0, 0)


def test_finished_requests_weigh_little() -> None:
    """After its end a request keeps what a login needs."""
    views = Views(Limits())
    view = views.merge(1, made("1" * 16, "x" * 5000))
    views.finish(1, view, "1" * 16, lambda: Request("1" * 16, path="/login"))
    assert view.record is None
    assert views.weight == 1024


def test_wanted_requests() -> None:
    """One that has ended is handed over at once; one that has not is remembered, and asked for once."""
    views = Views(Limits())
    views.finish(1, views.merge(1, made("1" * 16)), "1" * 16, lambda: Request("1" * 16, path="/ended"))
    views.merge(2, made("2" * 16))
    assert [one.path for one in views.want(["1" * 16, "2" * 16, "3" * 16])] == ["/ended"]
    assert [views.wanted(request_id * 16) for request_id in "12233"] == [False, True, False, True, False]


def test_wanted_requests_are_bounded() -> None:
    """The ones asked for first are forgotten first."""
    views = Views(Limits())
    views.want(f"{i:016x}" for i in range(5000))
    assert not views.wanted(f"{0:016x}")
    assert views.wanted(f"{4999:016x}")
