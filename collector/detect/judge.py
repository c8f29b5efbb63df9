"""The seam: a request goes in, findings come out. A rule engine with more behind it moves in here.

Stateless between requests and free of I/O; one per inspector process.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from collector.detect import redact
from collector.detect.client_address import resolve
from collector.detect.inputs import Input, inputs_of
from collector.detect.reached.compare import Reach, reaches
from collector.detect.redact import Redactor
from collector.detect.ruleset import Match, load
from collector.detect.settings import DetectSettings, networks
from collector.model import Action, Finding, Operation, Peer, Process, Request, RequestReport, User, Verdict
from collector.wire.agent import Ask, OperationRecord, RequestRecord, VerdictFinding
from collector.wire.agent import Verdict as WireVerdict

MAX_FINDINGS = 64
MAX_TEXT = 8192
MAX_PROBE = 8192
BLOCK_STATUS = 403


class Judge:
    """Judges requests by the rules of the settings."""

    def __init__(self, settings: DetectSettings) -> None:
        self._rules = load(settings.rules_dir, settings.disabled_rules)
        self._trusted = networks(settings)
        self._redactor = Redactor(settings.redact_keys)
        self._max_value = settings.max_value_bytes

    def report(self, record: RequestRecord, process: Process, final: bool) -> RequestReport | None:
        """What is wrong with a request; None where nothing is."""
        findings = self.inspect(record)
        if not findings:
            return None
        keep = [finding.highlight for finding in findings]
        operations = tuple(self._operation(operation, keep) for operation in record.operations)
        return RequestReport(self.request_view(record, process), findings, operations, final)

    def verdict(self, ask: Ask, process: Process, mode: str) -> WireVerdict:
        """Whether this request, or this operation of it, may go on."""
        record = ask.request
        if ask.operation is not None:
            record = replace(record, operations=[ask.operation])
        inputs = inputs_of(record)
        findings = [
            VerdictFinding(r.kind.rule_id, r.kind.category, r.input.parameter) for r in self._reaches(record, inputs)
        ]
        if ask.operation is None:
            matches = [match for match in self._matches(inputs) if match.rule.block]
            findings = [VerdictFinding(m.rule.id, m.rule.category, m.input.parameter) for m in matches]
        action: Literal["allow", "block"] = "block" if findings and mode == "block" else "allow"
        return WireVerdict(action, BLOCK_STATUS, record.request_id, findings[:MAX_FINDINGS])

    def inspect(self, record: RequestRecord) -> tuple[Finding, ...]:
        """All findings of a request: attempted by the rules, reached by comparison with its operations."""
        inputs = inputs_of(record)
        found: dict[tuple[str, str, str, int], Finding] = {}
        for match in self._matches(inputs):
            self._add(found, self._attempted(match, record))
        for reach in self._reaches(record, inputs):
            self._add(found, self._attempted_by(reach))
            self._add(found, self._reached(reach))
        return tuple(found.values())

    def request_view(self, record: RequestRecord, process: Process) -> Request:
        """The request as it may be stored."""
        address, forged = resolve(record.peer.address, [(n, v) for n, v in record.headers], self._trusted)
        user, error = record.user, record.exception
        return Request(
            request_id=record.request_id, trace_id=record.trace_id[:64], parent_span_id=record.parent_span_id[:32],
            start_time=record.start_time, duration=record.duration, thread_id=record.thread_id,
            method=record.method[:32], scheme=record.scheme[:16], host=record.host[:256],
            path=redact.text(record.path[:MAX_TEXT]), query=self._redactor.query(record.query[:MAX_TEXT]),
            route=record.route[:1024], framework=record.framework[:64],
            headers=self._headers(record.headers), response_headers=self._headers(record.response_headers),
            status=record.status, body_size=record.body_size, client_address=address, forged_forwarding=forged,
            peer=Peer(record.peer.address[:64], record.peer.port),
            user=User(user.id[:256], user.login[:256], user.session_id[:64]) if user else User(),
            user_agent=_header(record, "user-agent")[:1024],
            exception_type=error.type[:256] if error else "",
            exception_message=redact.text(error.message[:1024]) if error else "", process=process,
        )  # fmt: skip

    def _matches(self, inputs: list[Input]) -> list[Match]:
        return [match for item in inputs for match in self._rules.match(item)]

    def _reaches(self, record: RequestRecord, inputs: list[Input]) -> list[Reach]:
        return [reach for operation in record.operations for reach in reaches(inputs, operation)]

    def _add(self, found: dict[tuple[str, str, str, int], Finding], finding: Finding) -> None:
        """One finding for each category, stage, input and operation."""
        key = (f"{finding.category}/{finding.stage}", finding.location, finding.parameter, finding.operation_index)
        if len(found) < MAX_FINDINGS:
            found.setdefault(key, finding)

    def _attempted(self, match: Match, record: RequestRecord) -> Finding:
        rule, item = match.rule, match.input
        blocked = rule.block and record.blocked is not None and record.blocked.where == "request"
        return self._finding(
            item, match.part, rule.id, rule.name, rule.category, rule.tags,
            action=Action.BLOCKED if blocked else Action.MONITORED, stage=Verdict.ATTEMPTED,
        )  # fmt: skip

    def _attempted_by(self, reach: Reach) -> Finding:
        """What reached was attempted, also where no rule saw it."""
        kind = reach.kind
        return self._finding(
            reach.input, reach.part, kind.rule_id, kind.rule_name, kind.category, kind.tags, stage=Verdict.ATTEMPTED
        )

    def _reached(self, reach: Reach) -> Finding:
        kind, operation = reach.kind, reach.operation
        finding = self._finding(
            reach.input, reach.part, kind.rule_id, kind.rule_name, kind.category, kind.tags,
            action=Action.BLOCKED if operation.blocked else Action.MONITORED, stage=Verdict.REACHED,
        )  # fmt: skip
        statement = self._statement(operation, [reach.part])
        return replace(finding, operation_index=operation.index, statement=statement)

    def _finding(
        self, item: Input, part: str, rule_id: str, name: str, category: str, tags: tuple[str, ...],
        stage: Verdict, action: Action = Action.MONITORED,
    ) -> Finding:  # fmt: skip
        secret = item.location != "path" and self._redactor.secret_key(item.parameter)
        value, highlight = redact.text(item.value[: self._max_value]), redact.text(part[:256])
        if secret and category == "security_scanner":
            secret = False
        return Finding(
            rule_id, name, category, stage, tags, action, item.location, item.parameter[:256],
            redact.MASK if secret else value, redact.MASK if secret else highlight, probe_text=item.value[:MAX_PROBE],
        )  # fmt: skip

    def _operation(self, operation: OperationRecord, keep: list[str]) -> Operation:
        return Operation(
            operation.index, operation.kind, operation.start_time, operation.duration,
            self._statement(operation, keep), operation.system[:64], operation.error[:128],
            tuple(line[:512] for line in operation.stack[:32]), operation.blocked, tuple(operation.resolved[:16]),
        )  # fmt: skip

    def _statement(self, operation: OperationRecord, keep: list[str]) -> str:
        text = operation.text[:MAX_TEXT]
        return redact.statement(text, keep) if operation.kind == "sql" else redact.text(text)

    def _headers(self, pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return self._redactor.headers([(name[:128], value[:1024]) for name, value in pairs[:64]])


def _header(record: RequestRecord, wanted: str) -> str:
    return next((value for name, value in record.headers if name == wanted), "")
