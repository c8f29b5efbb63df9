"""Judging one batch: records in, evidence out. No I/O; the judge is handed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from collector.core.link import Evidence
from collector.detect import redact
from collector.detect.views import remote_span, user_of
from collector.inspector.views import View, Views
from collector.model import LoginEvent, Process, Request, RequestReport
from collector.wire.agent import LateOperationRecord, LoginRecord, RequestRecord

MAX_EARLY = 64
"""How often one request is judged before its end; a later operation waits for the end record, which repeats it."""


class Judge(Protocol):
    """The part of detect.judge.Judge that batches need."""

    def report(self, record: RequestRecord, process: Process, final: bool) -> RequestReport | None: ...

    def plain_report(self, record: RequestRecord, process: Process) -> RequestReport: ...

    def request_view(self, record: RequestRecord, process: Process) -> Request: ...


class Case:
    """One batch of one process. Feed every record, then `close`."""

    def __init__(self, judge: Judge, views: Views, process: Process) -> None:
        self._judge, self._views, self._process = judge, views, process
        self._reports: dict[str, RequestReport] = {}
        self._logins: dict[str, LoginEvent] = {}
        self._clean: list[str] = []
        self._kin: list[Request] = []
        self._early: dict[str, View] = {}
        self.errors: list[Exception] = []

    def add(self, record: RequestRecord | LateOperationRecord | LoginRecord) -> None:
        """Take one record; an error of the judge costs this record only and is kept in `errors`."""
        try:
            if isinstance(record, RequestRecord):
                self._request(record)
            elif isinstance(record, LateOperationRecord):
                self._operation(record)
            else:
                self._login(record)
        except Exception as error:
            self.errors.append(error)

    def close(self) -> Evidence:
        """Judge what is still open and hand over what the batch came to."""
        for request_id in list(self._early):
            try:
                self._judge_early(request_id)
            except Exception as error:
                self.errors.append(error)
        logins = tuple(self._logins.values())
        return Evidence(tuple(self._reports.values()), logins, tuple(self._clean), tuple(self._kin))

    def _request(self, record: RequestRecord) -> None:
        view = self._views.merge(self._process.pid, record)
        if record.phase == "start":
            self._early[record.request_id] = view
            return
        self._early.pop(record.request_id, None)
        merged = view.record or record
        report = self._judge.report(merged, self._process, True)
        if report is None and self._views.wanted(record.request_id):
            report = self._judge.plain_report(merged, self._process)
        ended = _given(report.request) if report else self._later(merged)
        self._note(view, report)
        if report is None and not view.reported:
            self._clean.append(record.request_id)
            if merged.sent_span_ids or remote_span(merged):
                self._kin.append(replace(ended(), headers=(), response_headers=()))
        if view.logins:
            self._tell_logins(view, ended())
        self._views.finish(self._process.pid, view, record.request_id, ended)

    def _later(self, record: RequestRecord) -> Callable[[], Request]:
        """What makes the request as it may be kept; it holds what that needs of the record."""
        small = replace(record, body="", operations=[]) if record.body or record.operations else record
        return partial(self._judge.request_view, small, self._process)

    def _operation(self, late: LateOperationRecord) -> None:
        view = self._views.add_operation(self._process.pid, late)
        if view is not None:
            self._early[late.request_id] = view

    def _judge_early(self, request_id: str) -> None:
        view = self._early[request_id]
        if view.record is None or view.early >= MAX_EARLY:
            return
        view.early += 1
        self._note(view, self._judge.report(view.record, self._process, False))
        if view.logins:
            self._tell_logins(view, self._judge.request_view(view.record, self._process))

    def _login(self, login: LoginRecord) -> None:
        """Tell a login at once, even before its request is known: it is told again, complete, with the request."""
        view = self._views.get(self._process.pid, login.request_id) if login.request_id else None
        request = view.ended() if view and view.ended else None
        if request is None and view and view.record:
            request = self._judge.request_view(view.record, self._process)
        if request is None and login.request_id:
            self._views.add_login(self._process.pid, login)
        self._logins[login.event_id] = login_event(login, request, self._process)

    def _tell_logins(self, view: View, request: Request) -> None:
        for login in view.logins:
            self._logins[login.event_id] = login_event(login, request, self._process)

    def _note(self, view: View, report: RequestReport | None) -> None:
        if report is not None:
            view.reported = True
            self._reports[report.request.request_id] = report


def _given(request: Request) -> Callable[[], Request]:
    return lambda: request


def login_event(login: LoginRecord, request: Request | None, process: Process) -> LoginEvent:
    """A login with what is known of its request."""
    bare = LoginEvent(
        id=login.event_id, time=login.time, outcome=login.outcome, user=user_of(login.user), trace_id=login.trace_id,
        request_id=login.request_id, framework=login.framework, process=process, exists=login.exists,
        name=login.name, metadata={redact.text(name): redact.text(part) for name, part in login.metadata.items()},
    )  # fmt: skip
    return _with_request(bare, request) if request else bare


def _with_request(login: LoginEvent, request: Request) -> LoginEvent:
    return replace(
        login, trace_id=login.trace_id or request.trace_id, framework=login.framework or request.framework,
        client_address=request.client_address, forged_forwarding=request.forged_forwarding, peer=request.peer,
        kernel_peer=request.kernel_peer, user_agent=request.user_agent, path=request.path,
    )  # fmt: skip
