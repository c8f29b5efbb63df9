"""The seam: a request goes in, findings come out. A rule engine with more behind it moves in here.

Stateless between requests and free of I/O; one per inspector process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence

from msgspec.structs import replace

from collector.detect import reach, redact
from collector.detect.bodies import Cuts
from collector.detect.inputs import Input, inputs_of, outputs_of
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
STOPPED = ("request", "route", "user", "response")
"""Where a request is stopped for what stands in it, or in its answer."""


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
        self.convicted: Container[str] = ()
        """Ids of requests whose attack the kernel has confirmed."""
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
        """Whether this request, or this operation of it, may go on, or its answer out. What an app does for a request
        that is refused already takes back or closes what there was: only what an attack reaches is refused there."""
        ruling = Ruling(self.policy, ask.request, process, self._trusted, mode)
        if ruling.bypassed:
            return WireVerdict("allow")
        cleans_up = ask.operation is not None and ask.request.blocked is not None
        if (refusal := ruling.refusal()) is not None and not cleans_up:
            return refusal
        items = self._items(ask.request)
        matches = ruling.kept(self._matches(ask.request, items)) if ask.operation is None or ask.rules else []
        reaches = self._reaches(ask, items, matches)
        stops = bool(matches) and not cleans_up and self._stops(matches, ruling, mode)
        may_stop = mode == "block" and not ruling.allowed
        findings = [VerdictFinding(m.rule.id, m.rule.category, m.input.parameter[:256]) for m in matches]
        findings += [VerdictFinding(r.kind.rule_id, r.kind.category, r.input.parameter[:256]) for r in reaches]
        if stops or (may_stop and (reaches or self._has_answered_an_attack(ask))):
            return WireVerdict("block", BLOCK_STATUS, ask.request.request_id, findings[:MAX_FINDINGS])
        return WireVerdict("allow", findings=findings[:MAX_FINDINGS], again=may_stop and bool(findings))

    def _reaches(self, ask: Ask, items: Sequence[Input], matches: Sequence[Match]) -> list[Reached]:
        """What is reached by an operation that is to be; before an answer goes out, by all that there were."""
        if ask.operation is not None:
            return reach.reached([ask.operation], items, body=ask.request.body)
        if not ask.request.status:
            return []
        return reach.reached(ask.request.operations, items, [match.input for match in matches], ask.request.body)

    def _has_answered_an_attack(self, ask: Ask) -> bool:
        """Whether the answer of an attack that the kernel has seen is about to go out."""
        return ask.operation is None and ask.request.status > 0 and ask.request.request_id in self.convicted

    def asks_responses(self, service: str) -> bool:
        """Whether there is a rule for answers that may refuse one of this service."""
        return any(
            rule.block or self.policy.may_block(rule.id, rule.category, service) for rule in self._rules.on_answers
        )

    def _matches(self, record: RequestRecord, items: Sequence[Input]) -> list[Match]:
        """What the rules say of a request, and of its answer where they look at answers."""
        answer = outputs_of(record) if record.status and self._rules.on_answers else []
        return self._rules.match([*items, *answer] if answer else items)

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
        matches = self._matches(record, items)
        if ruling is not None:
            matches = ruling.kept(matches)
        reaches = reach.reached(record.operations, items, [match.input for match in matches], record.body)
        found: dict[object, Finding] = {}
        if ruling is not None and (refused := ruling.finding()) is not None:
            _add(found, refused)
        for match in matches:
            _add(found, self._attempted(match, record))
        for one in reaches:
            _add(found, self._reached(one, items, record))
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
        stopped = record.blocked is not None and record.blocked.where in STOPPED
        finding = Finding(rule.id, rule.name, rule.category, Verdict.ATTEMPTED, rule.tags)
        finding = self._of_input(finding, match.input, match.part)
        return replace(finding, action=Action.BLOCKED) if stopped else finding

    def _reached(self, one: Reached, items: Sequence[Input], record: RequestRecord) -> Finding:
        operation, kind = one.operation, one.kind
        stopped = operation.blocked or (record.blocked is not None and record.blocked.where == "response")
        finding = Finding(kind.rule_id, kind.rule_name, kind.category, Verdict.REACHED, kind.tags)
        return replace(
            self._of_input(finding, one.input, one.part),
            probe_text=one.probe[:MAX_PROBE],
            operation_index=operation.index,
            statement=self._views.text(operation, [one.part], self._views.secrets(items)),
            action=Action.BLOCKED if stopped else Action.MONITORED,
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
