"""A rule of the language, its actions read; and what is known, ignored or refused of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from collector.detect.seclang import syntax, transformations
from collector.detect.seclang.syntax import Directive, Operator, Variable

VARIABLES = frozenset(
    (
        "ARGS", "ARGS_NAMES", "ARGS_GET", "ARGS_GET_NAMES", "ARGS_POST", "ARGS_POST_NAMES",
        "ARGS_COMBINED_SIZE", "FILES", "FILES_NAMES", "FILES_COMBINED_SIZE", "MULTIPART_PART_HEADERS",
        "MULTIPART_STRICT_ERROR", "MULTIPART_UNMATCHED_BOUNDARY", "REQUEST_COOKIES", "REQUEST_COOKIES_NAMES",
        "REQUEST_HEADERS", "REQUEST_HEADERS_NAMES", "REQUEST_FILENAME", "REQUEST_BASENAME", "REQUEST_URI",
        "REQUEST_URI_RAW", "REQUEST_LINE", "REQUEST_METHOD", "REQUEST_PROTOCOL", "REQUEST_BODY",
        "REQUEST_BODY_LENGTH", "QUERY_STRING", "REMOTE_ADDR", "XML", "REQBODY_PROCESSOR", "REQBODY_ERROR", "TX",
        "IP", "GLOBAL", "SESSION", "USER", "RESOURCE", "MATCHED_VAR", "MATCHED_VARS", "MATCHED_VAR_NAME",
        "MATCHED_VARS_NAMES", "UNIQUE_ID", "DURATION",
    )
)  # fmt: skip
STORED = frozenset(("IP", "GLOBAL", "SESSION", "USER", "RESOURCE"))
"""Collections that outlive a request; nothing is stored here, so they are empty."""

_DISRUPTIVE = frozenset(("deny", "drop", "redirect", "pause", "proxy"))
_IGNORED = frozenset(
    (
        "pass", "block", "allow", "log", "nolog", "auditlog", "noauditlog", "logdata", "msg", "ver", "rev",
        "maturity", "accuracy", "severity", "tag", "status", "capture", "chain", "multimatch", "skip",
        "skipafter", "phase", "id", "initcol", "expirevar", "deprecatevar", "setuid", "setrsc", "setsid",
        "sanitisearg", "sanitisematched",
    )
)  # fmt: skip
_CTL_IGNORED = frozenset(("auditengine", "auditlogparts", "requestbodylimit", "debugloglevel", "responsebodyaccess"))
_CTL = frozenset(
    (
        "ruleengine", "ruleremovebyid", "ruleremovebytag", "ruleremovebymsg", "ruleremovetargetbyid",
        "ruleremovetargetbytag", "ruleremovetargetbymsg", "requestbodyprocessor", "forcerequestbodyvariable",
        "requestbodyaccess",
    )
)  # fmt: skip
_PHASES = {"request": 2, "response": 4, "logging": 5}


class Setvar(Struct, frozen=True):
    """`tx.name=value`, `=+value`, `=-value`, `!tx.name`."""

    name: str
    value: str
    sign: str = ""
    removed: bool = False


class Control(Struct, frozen=True):
    """`ctl:name=value;target`."""

    name: str
    value: str
    target: Variable | None = None


class Rule(Struct, frozen=True, eq=False):
    """One rule (or link of a chain). `position`: its place among all rules; `unconditional`: a SecAction."""

    position: int
    place: str
    folder: Path
    id: int
    phase: int
    variables: tuple[Variable, ...]
    operator: Operator
    transforms: tuple[str, ...]
    setvars: tuple[Setvar, ...] = ()
    controls: tuple[Control, ...] = ()
    tags: tuple[str, ...] = ()
    message: str = ""
    severity: str = ""
    skip: int = 0
    skip_after: str = ""
    chained: bool = False
    capture: bool = False
    multi_match: bool = False
    logged: bool = True
    disruptive: bool = False
    allow: bool = False
    unconditional: bool = False
    links: tuple[Rule, ...] = ()

    def all(self) -> tuple[Rule, ...]:
        return (self, *self.links)


class Made(Struct):
    """A rule, and what of it is not supported."""

    rule: Rule
    problems: list[str]


def make(directive: Directive, position: int, folder: Path, parent: Rule | None) -> Made:
    """From SecRule or SecAction; raises RuleSyntaxError for what cannot be read."""
    action = directive.name.lower() == "secaction"
    words = directive.words
    if len(words) < (1 if action else 2):
        raise syntax.RuleSyntaxError("words are missing")
    listed = syntax.actions(words[0] if action else words[2] if len(words) > 2 else "")
    looked_at = () if action else syntax.variables(words[0])
    operator = Operator("unconditionalMatch", "") if action else syntax.operator(words[1])
    problems = [f"variable {one.name}" for one in looked_at if one.name not in VARIABLES]
    problems += [
        f"variable XML:{one.key}" for one in looked_at if one.name == "XML" and one.key not in ("/*", "//@*", "")
    ]
    fields, found = _actions(listed)
    rule = Rule(
        position=position, place=directive.place, folder=folder, variables=looked_at, operator=operator,
        unconditional=action, **{"id": parent.id if parent else 0, "phase": parent.phase if parent else 2, **fields},
    )  # fmt: skip
    return Made(rule, problems + found)


def _actions(listed: list[tuple[str, str]]) -> tuple[dict[str, Any], list[str]]:
    first = dict(reversed(listed))
    names = set(first)
    transforms, problems = list[str](), list[str]()
    setvars, controls = list[Setvar](), list[Control]()
    for name, value in listed:
        if name == "t":
            _transform(value, transforms, problems)
        elif name == "setvar":
            _setvar(value, setvars, problems)
        elif name == "ctl":
            _control(value, controls, problems)
        elif name not in _IGNORED and name not in _DISRUPTIVE:
            problems.append(f"action {name}")
    fields: dict[str, Any] = {
        "transforms": tuple(transforms), "setvars": tuple(setvars), "controls": tuple(controls),
        "tags": tuple(value for name, value in listed if name == "tag"), "message": first.get("msg", ""),
        "severity": first.get("severity", "").upper(), "skip": int(first.get("skip", "0") or 0),
        "skip_after": first.get("skipafter", ""), "chained": "chain" in names, "capture": "capture" in names,
        "multi_match": "multimatch" in names, "logged": "nolog" not in names, "allow": "allow" in names,
        "disruptive": bool(names & _DISRUPTIVE),
    }  # fmt: skip
    if first.get("id", "").isdigit():
        fields["id"] = int(first["id"])
    if phase := first.get("phase"):
        fields["phase"] = _PHASES.get(phase) or int(phase)
    return fields, problems


def _transform(value: str, transforms: list[str], problems: list[str]) -> None:
    name = value.lower()
    if name == "none":
        transforms.clear()
    elif name in transformations.FUNCTIONS:
        transforms.append(name)
    else:
        problems.append(f"transformation {value}")


def _setvar(value: str, setvars: list[Setvar], problems: list[str]) -> None:
    name, equals, text = value.partition("=")
    removed = name.startswith("!")
    collection, _, key = name.lstrip("!").partition(".")
    if collection.lower() == "tx":
        sign = text[:1] if equals and text[:1] in ("+", "-") and len(text) > 1 else ""
        setvars.append(Setvar(key.lower(), text[1:] if sign else text if equals else "1", sign, removed))
    elif collection.upper() not in STORED:
        problems.append(f"setvar {collection}")


def _control(value: str, controls: list[Control], problems: list[str]) -> None:
    name, _, text = value.partition("=")
    name = name.lower()
    if name in _CTL_IGNORED:
        return
    if name not in _CTL:
        problems.append(f"ctl:{name}")
        return
    chosen, semicolon, target = text.partition(";")
    looked_at = syntax.variables(target)[0] if semicolon else None
    controls.append(Control(name, chosen, looked_at))


def tag_matches(rule: Rule, tag: str) -> bool:
    """Whether a rule has a tag (an expression)."""
    return any(re.search(tag, one) for one in rule.tags)
