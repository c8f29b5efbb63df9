"""What can be known of rules before any request: which are set up by constants alone, and which never run.

The Core Rule Set spends some two hundred rules on its own settings and levels. They are run once, here; what remains is
a short program and the variables that it starts with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from collector.detect.seclang.link import Environment, Link, State, expand, keys
from collector.detect.seclang.loader import Loaded, Marker
from collector.detect.seclang.operators import number
from collector.detect.seclang.rule import STORED, Rule

_MACRO = re.compile(r"%\{([^}]+)\}")
REQUEST_PHASES = (1, 2)


class Folded(Struct):
    """The rules that remain, by phase; what they start with; how many rules concern responses."""

    rules: list[Rule]
    environment: Environment
    response_rules: int


def fold(loaded: Loaded) -> Folded:
    """Run what is constant."""
    environment: Environment = {}
    varying = set[str]()
    kept: list[Rule] = []
    for phase in REQUEST_PHASES:
        until = -1
        for rule in (one for one in loaded.rules if one.phase == phase):
            if rule.position < until:
                continue
            if not _constant(rule, varying):
                varying |= {setvar.name for one in rule.all() for setvar in one.setvars}
                kept.append(rule)
            elif _runs(rule, environment):
                if rule.controls or rule.logged or rule.disruptive or rule.allow:
                    kept.append(rule)
                until = max(until, target(rule, loaded.markers))
    responses = sum(rule.phase not in REQUEST_PHASES for rule in loaded.rules)
    return Folded(kept, environment, responses)


def target(rule: Rule, markers: Iterable[Marker]) -> int:
    """The position at which to go on after a rule that skips; -1 where it does not."""
    if rule.skip:
        return rule.position + rule.skip + 1
    if not rule.skip_after:
        return -1
    there = (one.position for one in markers if one.name == rule.skip_after and one.position > rule.position)
    return next(there, 1 << 30)


def apply(rule: Rule, state: State) -> None:
    """The variables that a rule sets, for the target that matched last."""
    if state.matched:
        state.tx.update((str(number), text) for number, text in enumerate(state.matched[-1].captured))
    for setvar in rule.setvars:
        name = expand(setvar.name, state, rule).lower()
        if setvar.removed:
            state.tx.pop(name, None)
        elif setvar.sign:
            change = number(expand(setvar.value, state, rule))
            before = number(state.tx.get(name, ""))
            state.tx[name] = str(before + change if setvar.sign == "+" else before - change)
        else:
            state.tx[name] = expand(setvar.value, state, rule)


def _constant(rule: Rule, varying: set[str]) -> bool:
    """Whether a rule, every link of it, looks at nothing but constants and sets only such."""
    for one in rule.all():
        if any(variable.name not in STORED and variable.name != "TX" for variable in one.variables):
            return False
        if any(variable.name == "TX" and (variable.by_expression or not variable.key) for variable in one.variables):
            return False
        texts = [one.operator.argument, *(setvar.value for setvar in one.setvars)]
        used = keys(one.variables) | {name for text in texts for name in _macros(text)}
        if used & varying or any(name == "*" for name in used):
            return False
    return True


def _macros(text: str) -> set[str]:
    names = _MACRO.findall(text)
    return {name.lower().removeprefix("tx.") if name.lower().startswith("tx.") else "*" for name in names}


def _runs(rule: Rule, environment: Environment) -> bool:
    state = State({}, environment)
    for one in rule.all():
        if not (matched := Link(one, False).matches(state, None)):
            return False
        state.matched = matched
    for one in rule.all():
        apply(one, state)
    return True
