"""The seam: a request goes in, findings come out. A rule engine with more behind it moves in here.

Stateless between requests and free of I/O; one per inspector process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from collector.detect import reach, redact
from collector.detect.bodies import Cuts
from collector.detect.inputs import Input, inputs_of
from collector.detect.match import cache
from collector.detect.reach import Reached
from collector.detect.redact import Redactor
from collector.detect.rulefile import load
from collector.detect.ruleset import Match, Rule
from collector.detect.ruling import Ruling
from collector.detect.seclang.findings import CoreRules, Hit
from collector.detect.seclang.loader import Problem
from collector.detect.seclang.rule import Rule as CoreRule
from collector.detect.settings import DetectSettings, networks
from collector.detect.views import Views
from collector.model import Action, Finding, Process, Request, RequestReport, Verdict
from collector.policy.compiled import Compiled
from collector.wire.agent import Ask, RequestRecord, VerdictFinding
from collector.wire.agent import Verdict as WireVerdict

MAX_FINDINGS = 64
MAX_PROBE = 8192
MAX_HIGHLIGHT = 256
BLOCK_STATUS = 403


class Judge:
    """Judges requests by the rules of the settings; raises ValueError for settings that cannot stand."""

    def __init__(self, settings: DetectSettings) -> None:
        self._rules = load(settings.rules_dir, settings.disabled_rules, settings.cache_dir)
        self._block_score = settings.block_score
        self._core = _core_rules(settings)
        self._redactor = Redactor(settings.redact_keys)
        self._trusted = networks(settings)
        self._views = Views(self._redactor, self._trusted)
        self.policy = Compiled()
        self.cuts = Counter[str]()
        """Requests of which something was not looked at, by the kind of what was left out. The reader clears it."""
        self._max_value = settings.max_value_bytes

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Our own rules in use."""
        return self._rules.rules

    @property
    def core_rules(self) -> list[CoreRule]:
        """The rules of the Core Rule Set in use."""
        return self._core.program.rules if self._core else []

    @property
    def core_problems(self) -> list[Problem]:
        """What of the Core Rule Set does not run here."""
        return self._core.problems if self._core else []

    def report(self, record: RequestRecord, process: Process, final: bool) -> RequestReport | None:
        """What is wrong with a request; None where nothing is."""
        ruling = Ruling(self.policy, record, process, self._trusted)
        if ruling.bypassed:
            return None
        items = self._items(record)
        findings = self.inspect(record, items, ruling)
        if not findings:
            return None
        kept = [finding.highlight for finding in findings]
        reached = {finding.operation_index for finding in findings}
        operations = self._views.operations(record.operations, kept, items, reached)
        return RequestReport(self.request_view(record, process), findings, operations, final)

    def plain_report(self, record: RequestRecord, process: Process) -> RequestReport:
        """A request with its operations and no findings: somebody else has found something."""
        operations = self._views.operations(record.operations, [], inputs_of(record))
        return RequestReport(self.request_view(record, process), (), operations)

    def request_view(self, record: RequestRecord, process: Process) -> Request:
        """The request as it may be stored."""
        return self._views.request(record, process)

    def verdict(self, ask: Ask, process: Process, mode: str) -> WireVerdict:
        """Whether this request, or this operation of it, may go on. What an app does for a request that is refused
        already takes back or closes what there was: only what an attack reaches is refused there."""
        ruling = Ruling(self.policy, ask.request, process, self._trusted, mode)
        if ruling.bypassed:
            return WireVerdict("allow")
        cleans_up = ask.operation is not None and ask.request.blocked is not None
        if (refusal := ruling.refusal()) is not None and not cleans_up:
            return refusal
        items = self._items(ask.request)
        if ask.operation is None:
            matches = ruling.kept(self._rules.match(items))
            stops = self._stops(matches, ruling, mode)
            findings = [VerdictFinding(m.rule.id, m.rule.category, m.input.parameter[:256]) for m in matches]
        else:
            reaches = reach.reached([ask.operation], items, body=ask.request.body)
            stops = bool(reaches) and mode == "block" and not ruling.allowed
            findings = [VerdictFinding(r.kind.rule_id, r.kind.category, r.input.parameter[:256]) for r in reaches]
        if stops:
            return WireVerdict("block", BLOCK_STATUS, ask.request.request_id, findings[:MAX_FINDINGS])
        return WireVerdict("allow", findings=findings[:MAX_FINDINGS])

    def _items(self, record: RequestRecord) -> list[Input]:
        """The inputs of a request; what is left out is counted."""
        cuts = Cuts()
        items = inputs_of(record, cuts)
        if cuts.kinds:
            self.cuts.update(cuts.kinds)
        return items

    def _stops(self, matches: Sequence[Match], ruling: Ruling, mode: str) -> bool:
        """Whether attempts alone are enough to refuse a request."""
        if any(map(ruling.stops, matches)):
            return True
        if mode != "block" or ruling.allowed:
            return False
        rules = {match.rule.id: match.rule.confidence for match in matches}
        return 0 < self._block_score <= sum(rules.values())

    def inspect(
        self, record: RequestRecord, items: Sequence[Input], ruling: Ruling | None = None
    ) -> tuple[Finding, ...]:
        """All findings of a request: attempted by the rules, reached by comparison with its operations, and refused for
        who made it."""
        matches = self._rules.match(items)
        if ruling is not None:
            matches = ruling.kept(matches)
        reaches = reach.reached(record.operations, items, [match.input for match in matches], record.body)
        found: dict[object, Finding] = {}
        if ruling is not None and (refused := ruling.finding()) is not None:
            _add(found, refused)
        for match in matches:
            _add(found, self._attempted(match, record))
        for one in reaches:
            _add(found, self._reached(one, items))
        for hit in self._core_hits(record):
            finding = Finding(hit.rule_id, hit.name, hit.category, Verdict.ATTEMPTED, hit.tags)
            _add(found, self._of_input(finding, Input(hit.location, hit.parameter, hit.value), hit.value))
        if not found and ruling is not None and (past := ruling.past()) is not None:
            _add(found, past)
        return tuple(found.values())

    def _core_hits(self, record: RequestRecord) -> list[Hit]:
        if self._core is None:
            return []
        hits, _, truncated = self._core.hits(record)
        if truncated:
            self.cuts["core_rules"] += 1
        return hits

    def _attempted(self, match: Match, record: RequestRecord) -> Finding:
        rule = match.rule
        stopped = record.blocked is not None and record.blocked.where in ("request", "route", "user")
        finding = Finding(rule.id, rule.name, rule.category, Verdict.ATTEMPTED, rule.tags)
        finding = self._of_input(finding, match.input, match.part)
        return replace(finding, action=Action.BLOCKED) if stopped else finding

    def _reached(self, one: Reached, items: Sequence[Input]) -> Finding:
        operation, kind = one.operation, one.kind
        finding = Finding(kind.rule_id, kind.rule_name, kind.category, Verdict.REACHED, kind.tags)
        return replace(
            self._of_input(finding, one.input, one.part),
            probe_text=one.probe[:MAX_PROBE],
            operation_index=operation.index,
            statement=self._views.text(operation, [one.part], self._views.secrets(items)),
            action=Action.BLOCKED if operation.blocked else Action.MONITORED,
        )

    def _of_input(self, finding: Finding, item: Input, part: str) -> Finding:
        """The finding with the input it is about, redacted and capped."""
        if item.location != "path" and self._redactor.secret_key(item.parameter):
            value, highlight = redact.MASK, ""
        else:
            value, highlight = around(item.value, part, self._max_value)
        return replace(
            finding, location=item.location, parameter=item.parameter[:256], value=value, highlight=highlight,
            probe_text=item.value[:MAX_PROBE],
        )  # fmt: skip


def _core_rules(settings: DetectSettings) -> CoreRules | None:
    if not settings.crs:
        return None
    where = cache.directory(settings.cache_dir)
    return CoreRules(settings.crs_dir, settings.crs_paranoia_level, settings.crs_report_score, where)


def around(value: str, part: str, limit: int) -> tuple[str, str]:
    """The redacted value cut to `limit` bytes of UTF-8 around `part`, and as much of the part as it still shows."""
    shown = redact.text(part)[:MAX_HIGHLIGHT]
    value = redact.text(value)
    if len(value.encode()) <= limit:
        return value, shown
    start = max(0, value.find(shown) - limit // 8)
    cut = value[start : start + limit].encode()[:limit].decode(errors="ignore")
    while shown and shown not in cut:
        shown = shown[:-1] if len(shown) < 8 else shown[: len(shown) // 2]
    return cut, shown


def _add(found: dict[object, Finding], finding: Finding) -> None:
    """One finding for each category, stage, input and operation."""
    key = (finding.category, finding.stage, finding.location, finding.parameter, finding.operation_index)
    if len(found) < MAX_FINDINGS:
        found.setdefault(key, finding)
