"""Loaded rules as a program: a request goes in, the rules that fire come out, with the score they add up to.

The expressions of all rules are one database. A request's values are transformed once for each chain of
transformations that any rule asks for, and each different text is scanned once. Only rules that the database found, and
the few that have no expression to be found by, are then run, in their order, as the language says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern, PatternError
from collector.detect.seclang import folding, transformations
from collector.detect.seclang.link import Link, State, Target, needs_captures
from collector.detect.seclang.loader import Loaded, Problem, ids
from collector.detect.seclang.rule import Rule
from collector.detect.seclang.syntax import Variable
from collector.detect.seclang.transaction import Transaction
from collector.wire.agent import RequestRecord

MAX_REMEMBERED = 8192
MAX_REMEMBERED_TEXT = 256
"""Characters of a value for which it is remembered which rules may fire."""

MAX_FIRED = 256
_PLAIN = re.compile(r"[A-Za-z0-9_=:?!@$~-]+(?:[ .][A-Za-z0-9_=:?!@$~-]+)*")
"""A text that no ordinary transformation changes, but for its capital letters."""

Chain = tuple[str, ...]


class Fired(Struct, frozen=True):
    """A rule that fired, and for which target."""

    rule: Rule
    target: Target


class Outcome(Struct):
    """What came of a request: rules in their order, the variables as they are at the end, what was cut."""

    fired: list[Fired]
    variables: dict[str, str]
    truncated: int

    @property
    def denied(self) -> bool:
        """Whether a rule refused the request: that of the anomaly score, mostly."""
        return any(one.rule.disruptive for one in self.fired)

    @property
    def score(self) -> int:
        """The inbound anomaly score of the Core Rule Set."""
        names = ("blocking_inbound_anomaly_score", "anomaly_score", "inbound_anomaly_score")
        return max(int(self.variables.get(name, "0") or 0) for name in names)


class _Step(Struct, eq=False):
    """A rule ready to run. `goes_on`: the position after it, where it skips."""

    rule: Rule
    links: list[Link]
    goes_on: int


class _Plan(Struct):
    """The chains of transformations to scan a collection with: for every key, or for one."""

    every: dict[Chain, None]
    by_key: dict[str, dict[Chain, None]]


class Program:
    """Runs rules; `problems` says what of them does not run, and why."""

    def __init__(self, loaded: Loaded, where: Path | None = None, fallback: bool = False) -> None:
        folded = folding.fold(loaded)
        self.problems = list(loaded.problems)
        self.response_rules = folded.response_rules
        self._environment = folded.environment
        self._steps = [_step(rule, loaded) for rule in folded.rules]
        self._index(where, fallback)

    @property
    def rules(self) -> list[Rule]:
        """The rules that run at requests."""
        return [step.rule for step in self._steps]

    def run(self, record: RequestRecord) -> Outcome:
        """Judge one request."""
        transaction = Transaction(record)
        state = State(transaction.collections, dict(self._environment))
        fired: list[Fired] = []
        phase, go_on = 0, -1
        for number in sorted(self._always | self._candidates(transaction)):
            step = self._steps[number]
            rule = step.rule
            if rule.phase != phase:
                phase, go_on = rule.phase, -1
            if rule.position < go_on or (_changed(state) and _removed(rule, state)):
                continue
            if targets := self._matches(step, state):
                go_on = max(go_on, step.goes_on)
                if rule.message or rule.disruptive:
                    fired += [Fired(rule, one) for one in targets[: MAX_FIRED - len(fired)]]
                if state.stopped:
                    break
        return Outcome(fired, state.tx, transaction.truncated)

    def _matches(self, step: _Step, state: State) -> list[Target]:
        """The targets of the first link, where the whole chain holds; with all that the rule does."""
        first: list[Target] = []
        gathered: list[Target] = []
        for link in step.links:
            matched = link.matches(state, self._found if link.numbers else None)
            if not matched:
                return []
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

    def _found(self, text: str) -> frozenset[int]:
        return frozenset(self.database.scan(text))

    def _candidates(self, transaction: Transaction) -> set[int]:
        """The rules whose expressions are somewhere in the request."""
        found = set[int]()
        for collection, plan in self._plans.items():
            for key, value in transaction.collections.get(collection, ()):
                special = key.lower() if plan.by_key and key.lower() in plan.by_key else ""
                if value and (plan.every or special):
                    found |= self._remembered(collection, plan, special, value)
        return found

    def _remembered(self, collection: str, plan: _Plan, special: str, value: str) -> frozenset[int]:
        """The rules that may fire for one value; of short values it is remembered."""
        name = (collection, special, value)
        known = self._known.get(name)
        if known is None:
            chains = plan.every | plan.by_key[special] if special else plan.every
            numbers = {number for text in self._texts(value, chains) for number in self.database.scan(text)}
            known = frozenset(rule for number in numbers for rule in self._for[collection].get(number, ()))
            if len(value) <= MAX_REMEMBERED_TEXT:
                if len(self._known) >= MAX_REMEMBERED:
                    self._known.clear()
                self._known[name] = known
        return known

    def _texts(self, value: str, chains: dict[Chain, None]) -> set[str]:
        if _PLAIN.fullmatch(value):
            return {
                value,
                value.lower(),
                *(self._functions[chain](value) for chain in chains if chain in self._unusual),
            }
        return {self._functions[chain](value) for chain in chains}

    def _index(self, where: Path | None, fallback: bool) -> None:
        """Which expressions exist, who asks for them, and which texts they are to be looked for in."""
        numbers: dict[Pattern, int] = {}
        indexed = [(n, step) for n, step in enumerate(self._steps) if _can_be_found(step.links[0])]
        for _, step in indexed:
            patterns = step.links[0].patterns
            step.links[0].numbers = frozenset(numbers.setdefault(one, len(numbers)) for one in patterns)
        self.database = Database(list(numbers), where, fallback, "latin-1")
        refused = set(self.database.refused)
        self._refuse([step for _, step in indexed if step.links[0].numbers & refused])
        by_number = defaultdict[int, set[int]](set)
        self._plans: dict[str, _Plan] = {}
        found = set[int]()
        for number, step in enumerate(self._steps):
            link = step.links[0]
            if link.numbers:
                found.add(number)
                self._plan(link)
                for one in link.numbers:
                    by_number[one].add(number)
        empty = {number for one in self.database.scan("") for number in by_number[one]}
        self._for = {name: self._of_collection(name, by_number) for name in self._plans}
        self._known: dict[tuple[str, str, str], frozenset[int]] = {}
        self._always = (set(range(len(self._steps))) - found) | empty
        chains = {
            chain for plan in self._plans.values() for some in (plan.every, *plan.by_key.values()) for chain in some
        }
        self._functions = {chain: transformations.chain(chain) for chain in chains}
        self._unusual = {chain for chain in chains if transformations.CHANGES_PLAIN & set(chain)}

    def _of_collection(self, name: str, by_number: dict[int, set[int]]) -> dict[int, list[int]]:
        """The rules of each expression that look at a collection."""
        looking = {
            n for n, step in enumerate(self._steps) if any(_collection(one) == name for one in step.links[0].wanted)
        }
        return {number: sorted(rules & looking) for number, rules in by_number.items() if rules & looking}

    def _refuse(self, steps: Sequence[_Step]) -> None:
        gone = {id(step) for step in steps}
        for step in self._steps:
            for link in step.links:
                try:
                    if not link.numbers:
                        link.searches()
                except PatternError as error:
                    gone.add(id(step))
                    self.problems.append(Problem(step.rule.id, link.rule.place, str(error)))
        for step in steps:
            reason = next(self.database.refused[one] for one in step.links[0].numbers if one in self.database.refused)
            self.problems.append(Problem(step.rule.id, step.rule.place, reason))
        self._steps = [step for step in self._steps if id(step) not in gone]

    def _plan(self, link: Link) -> None:
        for variable in link.wanted:
            name = _collection(variable)
            plan = self._plans.setdefault(name, _Plan({}, {}))
            keyed = variable.key and not variable.by_expression and name not in ("XML", "XML@")
            chains = plan.by_key.setdefault(variable.key.lower(), {}) if keyed else plan.every
            chains.update(dict.fromkeys(link.chains))


def _collection(variable: Variable) -> str:
    return "XML@" if variable.name == "XML" and variable.key == "//@*" else variable.name


def _step(rule: Rule, loaded: Loaded) -> _Step:
    captures = needs_captures(rule)
    links = [Link(one, captures and one.capture) for one in rule.all()]
    return _Step(rule, links, folding.target(rule, loaded.markers))


def _can_be_found(link: Link) -> bool:
    """Whether the database can tell that a rule may fire: it asks for expressions, in what came with the request."""
    usual = all(one.name != "TX" and not one.count and not one.name.startswith("MATCHED") for one in link.wanted)
    return link.words is not None and not link.negated and usual


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


def _changed(state: State) -> bool:
    return bool(state.removed_ids or state.removed_tags)


def _removed(rule: Rule, state: State) -> bool:
    if any(low <= rule.id <= high for low, high in state.removed_ids):
        return True
    return any(
        any(re.search(re.escape(text), one) for one in rule.tags) if is_tag else text in rule.message
        for text, is_tag in state.removed_tags
    )
