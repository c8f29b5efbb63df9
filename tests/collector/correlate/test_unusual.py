"""Events that are findings by themselves, by another's word (collector/behaviour)."""

from __future__ import annotations

from collector.correlate import Correlator, Limits
from collector.model import Finding, RequestReport, Verdict
from tests.collector.correlate.support import ID, event, finding, report, shell

STRANGE = Finding("behaviour-exec", "x", "unusual_behaviour", Verdict.CONFIRMED, location="kernel", parameter="/bin/nc")


def correlator(limits: Limits | None = None) -> Correlator:
    """One to which every exec of /bin/nc is unusual."""
    found = Correlator(limits)
    found.unusual = lambda events: [(one, STRANGE) for one in events if one.path == "/bin/nc"]
    return found


def test_an_unusual_event_makes_a_trace() -> None:
    """With what came before; the event is the evidence, and the agent is asked for the request, whose word is put with
    it."""
    asked, attacked = list[str](), list[str]()
    one = correlator()
    one.wanted, one.attacked = asked.append, attacked.append
    one.on_kernel([event("open", 5, path="/x")])
    (trace,), _ = one.on_kernel([event("exec", 7, path="/bin/true"), event("exec", 9, path="/bin/nc")])
    assert (trace.id, trace.verdict, [e.path for e in trace.kernel_events]) == (
        ID, Verdict.CONFIRMED, ["/x", "/bin/true", "/bin/nc"],
    )  # fmt: skip
    assert (trace.evidence, asked, attacked) == ((2,), [ID], [ID])
    plain = report(path="/upload")
    (told,) = one.on_report(RequestReport(plain.request, (), ()))
    assert told is not None
    assert (told.request.path, told.evidence, told.findings) == ("/upload", (2,), (STRANGE,))


def test_it_joins_the_case_of_a_rule() -> None:
    """A request that a rule has found already: the finding stands beside the rule's, and both have their evidence."""
    one = correlator()
    one.on_report(report())
    (trace,), _ = one.on_kernel([shell(), event("exec", 90, path="/bin/nc")])
    assert {f.category for f in trace.findings} == {finding().category, "unusual_behaviour"}
    assert len(trace.evidence) == 2


def test_it_is_kept_above_the_cap() -> None:
    """However many events a request has, the unusual one stays."""
    one = correlator(Limits(max_events_per_trace=8))
    one.on_kernel([event("open", n, path=f"/{n}") for n in range(20)])
    (trace,), _ = one.on_kernel([event("exec", 30, path="/bin/nc")])
    assert [trace.kernel_events[i].path for i in trace.evidence] == ["/bin/nc"]


def test_what_was_only_attempted_is_no_evidence() -> None:
    """A call that the kernel refused is told, and confirms nothing."""
    one = correlator()
    refused = Finding("behaviour-path", "x", "unusual_behaviour", Verdict.ATTEMPTED, location="kernel")
    one.unusual = lambda events: [(one, refused) for one in events]
    (trace,), _ = one.on_kernel([event("open", 5, path="/etc/shadow", result=-13)])
    assert (trace.verdict, trace.evidence, len(trace.kernel_events)) == (Verdict.ATTEMPTED, (), 1)
