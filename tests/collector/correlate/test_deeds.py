"""What the kernel's testimony alone convicts of."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from collector.correlate import Correlator, deeds
from collector.model import Action, Process, RequestReport, Verdict
from probes.vocabulary import Ancestor
from tests.collector.correlate.support import APP, ID, event, report, shell


@pytest.mark.parametrize(
    ("kind", "fields", "category", "stage"),
    [
        ("exec", {"streams": 3, "family": "ipv4", "address": "192.0.2.7", "port": 4444}, "reverse_shell", 3),
        ("exec", {"streams": 1, "family": "ipv4", "address": "192.0.2.7", "port": 4444}, "", 0),
        ("exec", {"streams": 7, "family": "unix"}, "", 0),
        ("exec", {"nameless": True, "target": "memfd:x", "path": "/dev/fd/3"}, "fileless_execution", 3),
        ("ptrace", {"operation": "PTRACE_ATTACH", "target_pid": 7}, "process_injection", 3),
        ("ptrace", {"operation": "PTRACE_ATTACH", "target_pid": 7, "result": -1}, "process_injection", 1),
        ("ptrace", {"operation": "process_vm_writev", "target_pid": APP}, "", 0),
        ("ptrace", {"operation": "PTRACE_TRACEME"}, "", 0),
        ("module", {"operation": "finit_module", "result": -1}, "kernel_tampering", 1),
        ("bpf", {"operation": "PROG_LOAD", "result": 5}, "kernel_tampering", 3),
        ("bpf", {"operation": "MAP_LOOKUP_ELEM"}, "", 0),
        ("connect", {"family": "ipv4", "address": "192.0.2.7", "port": 4444}, "", 0),
        ("decision", {"operation": "connect", "policy": "p", "enforced": True, "result": -1}, "policy_violation", 1),
        ("decision", {"operation": "execve", "path": "/bin/sh", "policy": "p"}, "policy_violation", 1),
    ],
)
def test_deeds(kind: str, fields: dict[str, Any], category: str, stage: int) -> None:
    """Each deed by its event, confirmed where the kernel did it; nothing of what services do every day."""
    found = deeds.findings([(4, event(kind, 1, **fields))])
    told = [(i, one.category, int(one.stage)) for i, one in found.items()]
    assert told == ([(4, category, stage)] if category else [])


@pytest.mark.parametrize(
    ("enforced", "result", "action", "words"),
    [
        (True, -1, Action.BLOCKED, ": blocked in the kernel"),
        (False, 0, Action.MONITORED, ": would have been blocked"),
        (True, 0, Action.MONITORED, ": ended in the kernel when it had happened"),
    ],
)
def test_what_a_policy_decided(enforced: bool, result: int, action: Action, words: str) -> None:
    """The finding names the policy, what it was about, and whether it was stopped before its effect."""
    where = {"family": "ipv4", "address": "10.0.0.7", "port": 80, "policy": "shop-kernel"}
    decision = event("decision", 1, operation="connect", enforced=enforced, result=result, **where)
    found = deeds.findings([(0, decision)])[0]
    assert (found.action, found.parameter) == (action, "shop-kernel")
    assert found.value.startswith(f"connect 10.0.0.7 port 80{words}")
    assert found.value.endswith("by shop-kernel")


def fileless(**fields: Any) -> Any:
    return event("exec", 20, 1002, nameless=True, target="memfd:x", path="/dev/fd/3", argv=("x",), **fields)


def test_convicted_without_a_report() -> None:
    """A request that no rule matched becomes a confirmed trace, with what the kernel saw before, and is asked for."""
    asked: list[str] = []
    correlator = Correlator(process=lambda pid: Process(pid, "shop") if pid == APP else None)
    correlator.wanted = asked.append
    assert correlator.on_kernel([event("open", 5, path="/x")]) == ([], [])
    (trace,), _ = correlator.on_kernel([fileless(ancestors=(Ancestor(1001, 1), Ancestor(APP, 1)))])
    assert (trace.id, trace.verdict, trace.request.process.service) == (ID, Verdict.CONFIRMED, "shop")
    assert [e.kind for e in trace.kernel_events] == ["open", "exec"]
    assert trace.evidence == (1,)
    assert asked == [ID]


def test_the_request_comes_later() -> None:
    """The agent's word on a convicted request is put with it, also where it holds no finding."""
    correlator = Correlator()
    correlator.on_kernel([fileless()])
    plain = report(path="/upload", method="POST")
    (trace,) = correlator.on_report(RequestReport(plain.request, (), plain.operations))
    assert trace is not None
    assert (trace.request.path, trace.verdict, len(trace.operations)) == ("/upload", Verdict.CONFIRMED, 1)
    assert [one.category for one in trace.findings] == ["fileless_execution"]


def test_convicted_after_it_was_called_clean() -> None:
    """An event that comes after the request was settled is not lost with the late ones."""
    asked: list[str] = []
    correlator = Correlator()
    correlator.wanted = asked.append
    correlator.on_clean([ID])
    traces, _ = correlator.on_kernel([shell(), fileless()])
    assert [one.verdict for one in traces] == [Verdict.CONFIRMED]
    assert asked == [ID]
    assert correlator.counters["late"] == 1


def test_beside_other_findings() -> None:
    """A deed in a request that a rule matched is one finding more; alike ones are told once, by the first."""
    correlator = Correlator()
    correlator.on_report(report())
    (trace,), _ = correlator.on_kernel([fileless(), fileless(), shell()])
    assert [one.category for one in trace.findings].count("fileless_execution") == 1
    assert {"command_injection", "fileless_execution"} == {one.category for one in trace.findings}


def test_a_deed_is_kept_when_the_trace_is_full() -> None:
    """Above the cap of events the proof still finds room."""
    from collector.correlate import Limits

    correlator = Correlator(Limits(max_events_per_trace=3))
    correlator.on_report(report())
    correlator.on_kernel([event("open", i, path=f"/{i}") for i in range(5)])
    (trace,), _ = correlator.on_kernel([fileless()])
    assert [e.kind for e in trace.kernel_events] == ["open", "open", "exec"]


def test_examples() -> None:
    """The examples in the documentation hold."""
    assert doctest.testmod(deeds).failed == 0
