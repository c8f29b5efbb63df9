"""Batches into evidence: phases, late operations, logins."""

from __future__ import annotations

from typing import Any

import msgspec

from collector.core.link import Evidence
from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.inspector.case import Case
from collector.inspector.limits import Limits
from collector.inspector.views import Views
from collector.model import Process, Verdict
from collector.wire.agent import Batch
from tests.collector.inspector.support import TinyJudge, record

ID = "1" * 16
PROCESS = Process(pid=7)


def operation(index: int = 0, text: str = "ping ;id") -> dict[str, Any]:
    return {"index": index, "kind": "shell", "text": text}


def late(index: int = 0, request_id: str = ID) -> dict[str, Any]:
    return {"type": "operation", "request_id": request_id, "operation": operation(index)}


def login(request_id: str = ID) -> dict[str, Any]:
    return {"type": "login", "event_id": "a" * 16, "outcome": "failure", "time": 5, "request_id": request_id}


def judged(views: Views, *records: dict[str, Any]) -> Evidence:
    case = Case(TinyJudge(), views, PROCESS)
    for one in msgspec.convert({"records": list(records)}, Batch).records:
        case.add(one)
    return case.close()


def test_end_record() -> None:
    """A request with findings is a report, one without is clean."""
    evidence = judged(Views(Limits()), record(), record("2" * 16, "a=b"))
    assert [(report.request.request_id, report.final) for report in evidence.reports] == [(ID, True)]
    assert evidence.clean == ("2" * 16,)


def test_start_then_operation() -> None:
    """An early start is attempted; its late operation, in another batch, makes it reached."""
    views = Views(Limits())
    first = judged(views, record(phase="start")).reports[0]
    assert (first.final, first.findings[-1].stage) == (False, Verdict.ATTEMPTED)
    second = judged(views, late()).reports[0]
    assert (second.final, second.findings[-1].stage) == (False, Verdict.REACHED)


def test_operations_merge_by_index() -> None:
    """The end record's operations replace those with the same index and keep the others."""
    views = Views(Limits())
    judged(views, record(phase="start"), late(0), late(1))
    report = judged(views, record(operations=[operation(1, "ls")])).reports[0]
    assert [(one.index, one.text) for one in report.operations] == [(0, "ping ;id"), (1, "ls")]


def test_operation_of_an_unknown_request() -> None:
    """It is ignored: the end record repeats it."""
    assert judged(Views(Limits()), late()) == Evidence()


def test_reported_early_is_not_clean() -> None:
    """A request that was reported is not called clean, even where its end alone holds nothing."""
    views = Views(Limits())
    judged(views, record(phase="start"))
    assert judged(views, record(query="a=b")).clean == ()


def test_login_before_and_after_its_request() -> None:
    """A login is told at once, and again, complete, when its request is known; afterwards it is complete at once."""
    views = Views(Limits())
    assert judged(views, login()).logins[0].path == ""
    assert judged(views, record(path="/login")).logins[0].path == "/login"
    assert judged(views, login()).logins[0].path == "/login"


def test_login_without_a_request() -> None:
    """A login outside of a request stands alone."""
    assert [one.request_id for one in judged(Views(Limits()), login("")).logins] == [""]


def test_judge_error_costs_one_record() -> None:
    """The other records of the batch are judged."""
    views = Views(Limits())
    case = Case(TinyJudge(), views, PROCESS)
    for one in msgspec.convert({"records": [record("3" * 16, method="EXPLODE"), record()]}, Batch).records:
        case.add(one)
    assert len(case.close().reports) == 1
    assert [type(error) for error in case.errors] == [ZeroDivisionError]


def test_kin() -> None:
    """A clean request that asked others, or was asked, is passed on without its headers; a plain one is not."""
    one = record("2" * 16, "a=b", sent_span_ids=["2" * 16], headers=[["user-agent", "x"]])
    two = record("3" * 16, "a=b", parent_span_id="9" * 16)
    traced = record("4" * 16, "a=b", parent_span_id="9" * 16, remote_span_id="")
    attack = record(query="a=1%27%20OR%20%271%27%3D%271", sent_span_ids=[ID])
    case = Case(Judge(DetectSettings()), Views(Limits()), PROCESS)
    for each in msgspec.convert({"records": [one, two, traced, record("5" * 16, "a=b"), attack]}, Batch).records:
        case.add(each)
    evidence = case.close()
    assert len(evidence.reports) == 1
    assert [request.request_id for request in evidence.kin] == ["2" * 16, "3" * 16]
    assert all(request.headers == () for request in evidence.kin)


def test_a_clean_request_that_the_core_wants() -> None:
    """It is reported without findings, instead of being called clean."""
    views = Views(Limits())
    views.want(["2" * 16])
    evidence = judged(views, record("2" * 16, "a=b"), record("3" * 16, "a=b"))
    assert [(one.request.request_id, one.findings, one.final) for one in evidence.reports] == [("2" * 16, (), True)]
    assert evidence.clean == ("3" * 16,)
