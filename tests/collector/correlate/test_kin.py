"""Requests of one trace: an attack finds the innocent ones of its trace, whichever comes first, within bounds."""

from __future__ import annotations

from collector.correlate import Correlator
from collector.correlate.case import MAX_LINKED
from collector.correlate.kin import MAX_OF_TRACE, SECOND, Kin
from collector.model import Request
from tests.collector.correlate.support import ID, report

TRACE = "c" * 32
CASE = Request(ID, trace_id=TRACE)


def clean(number: int, trace_id: str = TRACE) -> Request:
    return Request(f"{number:016x}", trace_id=trace_id, start_time=number)


def test_the_innocent_one_comes_first() -> None:
    """A task's attack finds the request that enqueued it long before."""
    correlator = Correlator()
    assert correlator.on_kin([clean(1), clean(2, "d" * 32)]) == []
    (trace,) = correlator.on_report(report(trace_id=TRACE))
    assert trace is not None
    assert [request.request_id for request in trace.linked] == [f"{1:016x}"]


def test_the_attack_comes_first() -> None:
    """The front service's request ends after the attack that it led to: the trace changes."""
    correlator = Correlator()
    assert correlator.on_report(report(trace_id=TRACE))
    (trace,) = correlator.on_kin([clean(7)])
    assert [request.request_id for request in trace.linked] == [f"{7:016x}"]
    assert correlator.on_kin([clean(7)]) == []


def test_a_tracer_that_begins_later() -> None:
    """The trace id of the last report counts."""
    correlator = Correlator()
    correlator.on_report(report(final=False, trace_id="d" * 32))
    correlator.on_report(report(trace_id=TRACE))
    assert len(correlator.on_kin([clean(1)])) == 1
    assert correlator.on_kin([clean(2, "d" * 32)]) == []


def test_one_trace_keeps_so_many() -> None:
    """A client that sends everything under one trace id fills its part; what finds no room is counted."""
    correlator = Correlator()
    correlator.on_report(report(trace_id=TRACE))
    traces = correlator.on_kin([clean(number) for number in range(MAX_LINKED + 5)])
    assert len(traces[0].linked) == MAX_LINKED
    assert correlator.counters["unlinked"] == 5


def test_it_survives_a_restart() -> None:
    """A trace that is recalled from the store has its linked requests still."""
    correlator = Correlator()
    correlator.on_report(report(trace_id=TRACE))
    (trace,) = correlator.on_kin([clean(1)])
    again = Correlator(recall=lambda name: trace)
    (later,) = again.on_report(report(trace_id=TRACE, status=500))
    assert later is not None
    assert later.linked == trace.linked


def test_bounds() -> None:
    """By count, by age and by trace; a case that is over hears no more."""
    kin = Kin(size=3, age=10 * SECOND)
    for number in range(5):
        kin.innocent(clean(number, f"{number:032x}"), now=0)
    assert (len(kin), kin.evicted) == (3, 2)
    kin.innocent(clean(9), now=20 * SECOND)
    assert (len(kin), kin.evicted) == (1, 2)
    kin.attack(CASE)
    assert kin.innocent(clean(10), now=20 * SECOND) == [ID]
    kin.forget(ID)
    assert kin.innocent(clean(11), now=20 * SECOND) == []


def test_one_trace_id_for_everything() -> None:
    """Neither memory nor work grows with what one client sends under one trace id."""
    kin = Kin()
    for number in range(3 * MAX_OF_TRACE):
        kin.innocent(clean(number), now=0)
        kin.attack(Request(f"{number:015x}f", trace_id=TRACE))
    assert len(kin) <= MAX_OF_TRACE
    assert len(kin.innocent(clean(10**6), now=0)) <= MAX_OF_TRACE
    for number in range(3 * MAX_OF_TRACE):
        kin.forget(f"{number:015x}f")
    assert kin.innocent(clean(10**6 + 1), now=0) == []


def test_an_innocent_one_that_turns_out_to_be_none() -> None:
    """What becomes a case itself is forgotten among the innocent."""
    kin = Kin()
    kin.innocent(clean(1), now=0)
    kin.attack(clean(1))
    assert len(kin) == 0
    assert kin.attack(CASE) == []
