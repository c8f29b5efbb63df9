"""What a rule reads and writes among the variables of a transaction, as far as it can be known before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from collector.detect.seclang.rule import Rule
from collector.detect.seclang.step import Step
from collector.detect.seclang.syntax import Variable

SCORES = ("blocking_inbound_anomaly_score", "anomaly_score", "inbound_anomaly_score")
"""Names of the variable that holds the anomaly score, by generation of the Core Rule Set."""

_MACRO = re.compile(r"%\{([^}]*)\}")
_ACTING = frozenset(("ruleengine", "ruleremovebyid", "ruleremovebytag", "ruleremovebymsg"))


class Effects(Struct, frozen=True):
    """`names`: the variables read by name; `expressions`: those read by an expression; `reads_all`: any may be read.
    `writes`: names, those with a macro in them as far as they are known. `macros`: what else is filled in."""

    names: frozenset[str]
    expressions: frozenset[str]
    reads_all: bool
    writes: frozenset[str]
    macros: frozenset[str]

    def touched_by(self, writes: Iterable[str]) -> bool:
        """Whether anything that is read may be one of these names."""
        return any(self._touched(name) for name in writes)

    def _touched(self, written: str) -> bool:
        if self.reads_all:
            return True
        start, dynamic, _ = written.partition("%{")
        if not dynamic:
            return written in self.names or any(_may_name(one, written) for one in self.expressions)
        return any(name.startswith(start) for name in self.names) or any(
            _may_begin(one, start) for one in self.expressions
        )


def effects(step: Step, links: int | None = None) -> Effects:
    """Of a step, or of its first links alone."""
    rules = step.rule.all()
    read = [variable for rule in rules[:links] for variable in rule.variables if variable.name == "TX"]
    texts = [text for rule in rules[:links] for text in _texts(rule, links is None)]
    macros = [name for text in texts for name in _MACRO.findall(text)]
    mine = {name.lower().partition(".")[2] for name in macros if name.lower().startswith("tx.")}
    return Effects(
        frozenset(_names(read) | mine), frozenset(one.key for one in read if one.by_expression),
        any(not one.key for one in read),
        frozenset(one.name.lower() for rule in rules for one in rule.setvars),
        frozenset(name.lower().partition(".")[0] for name in macros),
    )  # fmt: skip


def without_trace(step: Step) -> bool:
    """Whether nothing comes of a step but the variables that it writes."""
    if step.goes_on >= 0 or any(rule.message or rule.disruptive or rule.allow for rule in step.rule.all()):
        return False
    controls = (control for rule in step.rule.all() for control in rule.controls)
    return not any(control.name in _ACTING or control.target is not None for control in controls)


def readers(steps: Mapping[int, Effects], writers: Mapping[int, Effects]) -> dict[int, frozenset[int]]:
    """For each writer the steps that may read what it writes, also by way of another of them."""
    direct = {
        number: {one for one, reading in steps.items() if one != number and reading.touched_by(writing.writes)}
        for number, writing in writers.items() if writing.writes
    }  # fmt: skip
    found = {}
    for number in direct:
        reached, new = set[int](), {number}
        while new:
            new = set().union(*[direct.get(one, set()) for one in new]) - reached
            reached |= new
        found[number] = frozenset(reached)
    return {number: some for number, some in found.items() if some}


def _texts(rule: Rule, with_actions: bool) -> list[str]:
    texts = [rule.operator.argument]
    if with_actions:
        texts += [text for one in rule.setvars for text in (one.name, one.value)]
    return texts


def _names(read: Iterable[Variable]) -> set[str]:
    return {one.key.lower() for one in read if one.key and not one.by_expression}


def _may_name(expression: str, name: str) -> bool:
    try:
        return re.search(expression, name, re.IGNORECASE) is not None
    except re.error:
        return True


def _may_begin(expression: str, start: str) -> bool:
    """Whether an expression may name something that begins so."""
    literal = re.match(r"\^([\w-]*)", expression)
    known = literal[1].lower() if literal else ""
    return known.startswith(start) or start.startswith(known)
