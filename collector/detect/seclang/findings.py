"""What the Core Rule Set says of a request, in the words of our findings."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from collector.detect.seclang import crs
from collector.detect.seclang.loader import Problem
from collector.detect.seclang.program import Fired, Program
from collector.detect.seclang.rule import Rule
from collector.wire.agent import RequestRecord

_CATEGORIES = {
    "attack-sqli": "sql_injection", "attack-xss": "xss", "attack-rce": "command_injection",
    "attack-lfi": "path_traversal", "attack-rfi": "file_inclusion", "attack-injection-php": "code_injection",
    "attack-injection-java": "code_injection", "attack-injection-generic": "code_injection",
    "attack-nodejs": "code_injection", "attack-fixation": "session_fixation",
    "attack-reputation-scanner": "security_scanner", "attack-protocol": "protocol_violation",
    "attack-multipart-header": "protocol_violation", "attack-generic": "generic_attack",
}  # fmt: skip
_PLACES = {
    "ARGS": "query", "ARGS_NAMES": "query", "ARGS_GET": "query", "ARGS_GET_NAMES": "query", "ARGS_POST": "body",
    "ARGS_POST_NAMES": "body", "REQUEST_BODY": "body", "XML": "body", "FILES": "file_name", "FILES_NAMES": "file_name",
    "MULTIPART_PART_HEADERS": "body", "REQUEST_COOKIES": "cookie", "REQUEST_COOKIES_NAMES": "cookie",
    "REQUEST_HEADERS": "header", "REQUEST_HEADERS_NAMES": "header",
}  # fmt: skip
_SUMS = range(949000, 950000)


class Hit(Struct, frozen=True):
    """One rule that fired: in which of our places, under which key, for which value."""

    rule_id: str
    name: str
    category: str
    tags: tuple[str, ...]
    location: str
    parameter: str
    value: str


class CoreRules:
    """The Core Rule Set in use; raises crs.CrsError where it cannot be loaded."""

    def __init__(self, directory: str, level: int, report_score: int, where: Path | None) -> None:
        self.program = Program(crs.load(directory, level), where)
        self._report_score = report_score

    @property
    def problems(self) -> list[Problem]:
        """What of the rule set does not run here."""
        return self.program.problems

    def hits(self, record: RequestRecord) -> tuple[list[Hit], int, int]:
        """The rules that fired (none below the score that is told), the anomaly score, and how much was cut."""
        outcome = self.program.run(record)
        if outcome.score < self._report_score:
            return [], outcome.score, outcome.truncated
        told = [one for one in outcome.fired if one.rule.severity and one.rule.id not in _SUMS]
        return [_hit(one, record) for one in told], outcome.score, outcome.truncated


def category(rule: Rule) -> str:
    """Our category by the tags of a rule."""
    return next((_CATEGORIES[tag] for tag in rule.tags if tag in _CATEGORIES), "protocol_violation")


def _hit(fired: Fired, record: RequestRecord) -> Hit:
    rule, target = fired.rule, fired.target
    location = _PLACES.get(target.name, "path")
    if location == "query" and not record.query:
        location = "body"
    tags = tuple(tag.upper().replace("/", "-") for tag in rule.tags if tag.startswith("capec/"))
    return Hit(f"crs-{rule.id}", rule.message[:128], category(rule), tags, location, target.key, target.value)
