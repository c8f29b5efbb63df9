"""Reports, logins and kernel events in any order come to the same records."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from collector.correlate import Correlator, Limits
from collector.model import Action, AttackTrace, LoginEvent, Operation, Peer, Process, RequestReport, Verdict
from tests.collector.correlate.support import APP, ID, START, VALUE, accept, cat, event, finding, report, shell

SECOND = 10**9


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> int:
        return self.time


class World:
    """A correlator, its clock, and a store that keeps the last state of every trace."""

    def __init__(self, **limits: Any) -> None:
        self.clock, self.stored = Clock(), dict[str, AttackTrace]()
        self.logins = dict[str, LoginEvent]()
        self.limits = Limits(**limits)
        self.restart()

    def restart(self) -> None:
        self.it = Correlator(self.limits, self.clock, lambda pid: pid == APP, self.stored.get)

    def report(self, report: RequestReport) -> AttackTrace | None:
        """The request's own trace, where it is news."""
        traces = {trace.id: trace for trace in self.it.on_report(report)}
        self.stored |= traces
        return traces.get(report.request.request_id)

    def kernel(self, *events: Any) -> list[AttackTrace]:
        traces, logins = self.it.on_kernel(events)
        self.stored.update((trace.id, trace) for trace in traces)
        self.logins.update((login.id, login) for login in logins)
        return traces


def test_kernel_before_and_after() -> None:
    """The report and the two execs give the same confirmed trace in each of their six orders."""
    steps = {
        "report": lambda w: w.report(report()),
        "sh": lambda w: w.kernel(shell()),
        "cat": lambda w: w.kernel(cat()),
    }
    results = []
    for order in itertools.permutations(steps):
        world = World()
        for step in order:
            steps[step](world)
        results.append(world.stored[ID])
    assert results[0].verdict is Verdict.CONFIRMED
    assert results[0].kernel_events == (shell(), cat())
    assert results[0].evidence == (0, 1)
    assert all(result == results[0] for result in results)


def test_confirmed_finding_names_the_same_input() -> None:
    """The confirmed finding repeats rule, place, value and statement of the reached one; no raw input is kept."""
    world = World()
    world.report(report())
    world.kernel(shell())
    attempted, reached, confirmed = world.stored[ID].findings
    assert confirmed == replace(reached, stage=Verdict.CONFIRMED)
    assert {attempted.probe_text, reached.probe_text, confirmed.probe_text} == {""}


def test_nothing_found_is_no_trace() -> None:
    """A report without findings makes no trace."""
    empty = replace(report(), findings=())
    assert World().report(empty) is None


def test_same_report_twice() -> None:
    """A report that is told again changes nothing and is no news."""
    world = World()
    first = world.report(report())
    world.clock.time += SECOND
    assert first is not None
    assert world.report(report()) is None


def test_early_report_then_final() -> None:
    """The final report completes the early one; an early one that comes late takes nothing back."""
    world = World()
    early = report(finding(Verdict.ATTEMPTED), final=False)
    assert world.report(early).verdict is Verdict.ATTEMPTED  # type: ignore[union-attr]
    world.report(report(finding(), status=200))
    world.report(early)
    trace = world.stored[ID]
    assert (trace.verdict, trace.request.status, len(trace.findings)) == (Verdict.REACHED, 200, 2)


def test_unmarked_descendants_are_not_attached() -> None:
    """Events without a mark never get onto a trace, even with its request id."""
    world = World()
    world.report(report())
    assert world.kernel(shell(attribution="none"), cat(attribution="none", request_id="")) == []
    assert world.it.counters["unmarked"] == 2


def test_events_of_another_request() -> None:
    """An exec marked with another request does not confirm this one."""
    world = World()
    world.report(report())
    world.kernel(shell(request_id="2" * 16))
    assert world.stored[ID].verdict is Verdict.REACHED


def test_sorted_by_time() -> None:
    """Events stand in the order of their times, whatever order they came in, and evidence points at the right ones."""
    world = World()
    world.report(report())
    world.kernel(cat(time=20))
    world.kernel(event("fork", 15, 1001, child_pid=1002), shell(time=10))
    trace = world.stored[ID]
    assert [one.kind for one in trace.kernel_events] == ["exec", "fork", "exec"]
    assert trace.evidence == (0, 2)


@pytest.mark.parametrize("first", ["report", "events"])
def test_cap(first: str) -> None:
    """Above the cap events are counted; the exec that confirms gets in all the same."""
    world = World(max_events_per_trace=8)
    flood = [event("open", i, path=f"/srv/{i}", result=3) for i in range(20)]
    if first == "report":
        world.report(report())
        world.kernel(*flood)
    else:
        world.kernel(*flood)
        world.report(report())
    world.kernel(shell(time=50))
    trace = world.stored[ID]
    assert (len(trace.kernel_events), trace.kernel_events_dropped) == (8, 13)
    assert (trace.verdict, trace.evidence) == (Verdict.CONFIRMED, (7,))


def test_startup_noise_is_left_out() -> None:
    """What every program opens when it starts is not on the trace; what the request's own thread opens is."""
    world = World()
    world.report(report())
    noise = event("open", 1, 1001, path="/etc/ld.so.cache", result=3)
    own = event("open", 2, attribution="exact", path="/etc/ld.so.cache", result=3)
    world.kernel(noise, own, event("open", 3, 1001, path="/etc/hostname", result=3))
    assert [(one.attribution, one.path) for one in world.stored[ID].kernel_events] == [
        ("exact", "/etc/ld.so.cache"), ("inherited", "/etc/hostname"),
    ]  # fmt: skip


def test_noise_can_be_evidence() -> None:
    """A traversal to /proc/self/environ is confirmed by the open that would be noise otherwise."""
    world = World()
    world.report(report(finding(category="path_traversal", statement="/proc/self/environ")))
    world.kernel(event("open", 1, path="/proc/self/environ", result=3))
    assert world.stored[ID].evidence == (0,)


def test_clean_forgets_events() -> None:
    """Events of a request that was nobody's attack go, and later ones are counted as late."""
    world = World()
    world.kernel(shell())
    world.it.on_clean([ID])
    world.kernel(cat())
    assert world.it.remembered()["unclaimed"] == 0
    assert world.it.counters["late"] == 1


def test_clean_does_not_touch_an_attack() -> None:
    """A process that calls an attacked request clean changes nothing: marks never suppress."""
    world = World()
    world.report(report())
    world.it.on_clean([ID])
    world.kernel(shell())
    assert world.stored[ID].verdict is Verdict.CONFIRMED


def test_late_events_do_not_clobber() -> None:
    """After the window the trace stands: late events are counted, and nothing is handed out."""
    world = World()
    world.report(report())
    world.kernel(shell())
    before = world.stored[ID]
    world.clock.time += 61 * SECOND
    assert world.kernel(cat()) == []
    assert world.it.counters["late"] == 1
    assert world.stored[ID] == before


def test_report_again_after_the_window() -> None:
    """A batch that is sent again long after goes on from the stored trace, which keeps its events."""
    world = World()
    world.report(report())
    world.kernel(shell())
    before = world.stored[ID]
    world.clock.time += 3600 * SECOND
    assert world.report(report()) is None
    assert world.stored[ID] == before


def test_report_again_after_a_restart() -> None:
    """The same after the core was killed: nothing in memory, and still the confirmed trace stands."""
    world = World()
    world.report(report())
    world.kernel(shell(), cat())
    before = world.stored[ID]
    world.clock.time += 5 * SECOND
    world.restart()
    assert world.report(report()) is None
    assert world.report(report(finding(), status=500)) is not None
    assert world.stored[ID].kernel_events == before.kernel_events
    assert world.stored[ID].evidence == before.evidence


def test_blocked() -> None:
    """A blocked operation makes the trace blocked."""
    world = World()
    world.report(replace(report(), operations=(Operation(0, "shell", blocked=True),)))
    assert world.stored[ID].action is Action.BLOCKED
    world.kernel(shell())
    assert world.stored[ID].verdict is Verdict.REACHED


def test_unwitnessed() -> None:
    """A process that no probe watches has unwitnessed traces; events of it prove the contrary."""
    world = World()
    world.report(report(process=Process(pid=7)))
    assert world.stored[ID].unwitnessed
    world.kernel(shell())
    assert not world.stored[ID].unwitnessed


@pytest.mark.parametrize("accept_first", [True, False])
def test_kernel_peer(accept_first: bool) -> None:
    """An accept of the same process, address and port is the kernel's peer, before the report or after."""
    world = World()
    steps = [lambda: world.kernel(accept(address="::ffff:127.0.0.1", family="ipv6")), lambda: world.report(report())]
    for step in steps if accept_first else reversed(steps):
        step()
    assert world.stored[ID].request.kernel_peer == Peer("127.0.0.1", 50123)


@pytest.mark.parametrize("wrong", [{"pid": 7}, {"port": 1}, {"address": "127.0.0.2"}, {"result": -11}])
def test_another_connection_is_no_peer(wrong: dict[str, Any]) -> None:
    """An accept by another process, from another port or address, or a failed one is not the peer."""
    world = World()
    world.kernel(accept(**wrong))
    world.report(report())
    assert world.stored[ID].request.kernel_peer == Peer()


@pytest.mark.parametrize("accept_first", [True, False])
def test_login_peer(accept_first: bool) -> None:
    """A login gets its kernel peer too."""
    world = World()
    login = LoginEvent("a" * 16, START, "failure", peer=Peer("127.0.0.1", 50123), process=Process(pid=APP))
    if accept_first:
        world.kernel(accept())
        assert world.it.on_login(login).kernel_peer == Peer("127.0.0.1", 50123)
    else:
        assert world.it.on_login(login).kernel_peer == Peer()
        world.kernel(accept())
        assert world.logins[login.id].kernel_peer == Peer("127.0.0.1", 50123)


def test_memory_is_bounded() -> None:
    """Marked events of requests that nobody reports are evicted, the oldest first, by count and by bytes."""
    world = World(max_requests=100, max_bytes=50_000)
    for i in range(1000):
        world.kernel(event("exec", i, request_id=f"{i:016x}", argv=("x" * 100,)))
    held = world.it.remembered()
    assert held["unclaimed"] <= 100
    assert held["unclaimed_bytes"] <= 50_000
    assert held["evicted"] == 1000 - held["unclaimed"]
    world.clock.time += 61 * SECOND
    world.kernel()
    assert world.it.remembered()["unclaimed_bytes"] == 0


def test_cases_are_bounded() -> None:
    """Above the limit the longest untouched case is settled; its stored trace is found again."""
    world = World(max_cases=2)
    for i in range(5):
        world.report(report(request_id=f"{i:016x}"))
    assert world.it.remembered()["cases"] == 2
    assert world.report(report(request_id=f"{0:016x}")) is None


def test_value_of_the_report_is_the_probe() -> None:
    """The redacted value does not matter for the match: the un-redacted input does."""
    world = World()
    world.report(report(finding(value="[redacted]", statement="[redacted]", probe_text=VALUE)))
    world.kernel(shell())
    assert world.stored[ID].verdict is Verdict.CONFIRMED
