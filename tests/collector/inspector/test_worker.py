"""What the queue of batches counts beside judging."""

from __future__ import annotations

from collector.core.link import Evidence
from collector.inspector.worker import passed_late
from collector.model import Finding, Operation, Request, RequestReport, Verdict


def report(final: bool, *operations: Operation) -> RequestReport:
    findings = tuple(Finding("r", "rule", "c", Verdict.REACHED, operation_index=one.index) for one in operations[:1])
    return RequestReport(Request("1" * 16), findings, operations, final)


def test_attacks_that_passed_for_want_of_time() -> None:
    """What was reached and went on without a verdict counts once; what was refused, or nobody attacked, does not."""
    shell, sql = Operation(0, "shell", late=True), Operation(1, "sql", late=True)
    assert passed_late(Evidence((report(True, shell, sql),))) == {"shell": 1}
    assert not passed_late(Evidence((report(False, shell), report(True, Operation(0, "shell")))))
    assert not passed_late(Evidence((report(True, Operation(0, "shell", blocked=True, late=True)),)))
