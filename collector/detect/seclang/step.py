"""A rule with all its links, ready to run."""

from __future__ import annotations

from collections.abc import Container

from msgspec import Struct

from collector.detect.seclang import folding
from collector.detect.seclang.link import Find, Link, State, Target, needs_captures
from collector.detect.seclang.loader import Loaded, ids
from collector.detect.seclang.rule import Rule


class Step(Struct, eq=False):
    """`goes_on`: the position after it, where it skips."""

    rule: Rule
    links: list[Link]
    goes_on: int


def made(rule: Rule, loaded: Loaded) -> Step:
    captures = needs_captures(rule)
    links = [Link(one, captures and one.capture) for one in rule.all()]
    return Step(rule, links, folding.target(rule, loaded.markers))


def run(step: Step, state: State, find: Find | None, among: Container[str] | None = None) -> list[Target]:
    """The targets of the first link, where the whole chain holds; with all that the rule does. `among`: the only values
    for which the first link may hold, where that is known."""
    first: list[Target] = []
    gathered: list[Target] = []
    for link in step.links:
        matched = link.matches(state, find if link.numbers else None, among)
        if not matched:
            return []
        among = None
        first = first or matched
        gathered = gathered + matched if link.rule.chained else matched
        state.matched = gathered
        for one in matched[:1] if link.rule.unconditional else matched:
            if link.rule.setvars or one.captured:
                state.matched = [*gathered, one]
                folding.apply(link.rule, state)
        state.matched = gathered
    for link in step.links:
        if link.rule.controls:
            _control(link.rule, state)
    state.stopped = state.stopped or step.rule.allow
    return first


def _control(rule: Rule, state: State) -> None:
    for control in rule.controls:
        name, value = control.name, control.value
        if name == "ruleengine":
            state.stopped = state.stopped or value.lower() == "off"
        elif name == "ruleremovebyid":
            state.removed_ids += ids(value)
        elif name in ("ruleremovebytag", "ruleremovebymsg"):
            state.removed_tags.append((value, name.endswith("tag")))
        elif control.target is not None:
            state.removed_targets.append((name, value, control.target))
