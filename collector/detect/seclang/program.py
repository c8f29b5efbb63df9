"""Loaded rules as a program: a request goes in, the rules that fire come out, with the score they add up to.

Most rules do not fire, and that is known before they are run: by their expressions (`index`), by the few short values
that they look at (`facets`), or because they wait for what another writes (`effects`). Only the others are then run, in
their order, as the language says.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern, PatternError
from collector.detect.seclang import effects, facets, folding, step
from collector.detect.seclang.index import Index
from collector.detect.seclang.link import Find, Link, State, Target
from collector.detect.seclang.loader import Loaded, Problem
from collector.detect.seclang.rule import STORED, Rule
from collector.detect.seclang.settled import Settled
from collector.detect.seclang.step import Step
from collector.detect.seclang.transaction import Transaction
from collector.wire.agent import RequestRecord

MAX_FIRED = 256


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
        return max(int(self.variables.get(name, "0") or 0) for name in effects.SCORES)


class Program:
    """Runs rules; `problems` says what of them does not run, and why."""

    def __init__(self, loaded: Loaded, where: Path | None = None, fallback: bool = False) -> None:
        folded = folding.fold(loaded)
        self.problems = list(loaded.problems)
        self.response_rules = folded.response_rules
        self._environment = folded.environment
        self._steps = [step.made(rule, loaded) for rule in folded.rules]
        self.database = self._expressions(where, fallback)
        self._foresee(where, fallback)

    @property
    def rules(self) -> list[Rule]:
        """The rules that run at requests."""
        return [one.rule for one in self._steps]

    def run(self, record: RequestRecord) -> Outcome:
        """Judge one request."""
        transaction = Transaction(record)
        collections = transaction.collections
        values = self._index.candidates(collections)
        numbers = self._always.union(values, self._groups.candidates(collections, transaction.headers))
        find = self._finder()
        state = State(collections, dict(self._environment))
        fired, skipped = self._run(numbers - self._settled.numbers, values, state, find)
        if not skipped and self._holds(state):
            return Outcome(fired, dict(self._settled.variables), transaction.truncated)
        state = State(collections, dict(self._environment))
        numbers = numbers.union(*[self._readers[one] for one in numbers if one in self._readers])
        fired, _ = self._run(numbers, values, state, find)
        return Outcome(fired, state.tx, transaction.truncated)

    def _holds(self, state: State) -> bool:
        """Whether what has run leaves the settled rules as they are."""
        removed = _changed(state) and any(_removed(self._steps[one].rule, state) for one in self._settled.numbers)
        return not removed and self._settled.holds(state)

    def _run(
        self, numbers: Iterable[int], values: Mapping[int, Container[str]], state: State, find: Find
    ) -> tuple[list[Fired], bool]:
        """The rules that fire of these, in their order; and whether one made others be skipped."""
        fired: list[Fired] = []
        phase, go_on, skipped = 0, -1, False
        for number in sorted(numbers):
            one = self._steps[number]
            rule = one.rule
            if rule.phase != phase:
                phase, go_on = rule.phase, -1
            if rule.position < go_on or (_changed(state) and _removed(rule, state)):
                continue
            if targets := step.run(one, state, find, values.get(number)):
                go_on = max(go_on, one.goes_on)
                skipped = skipped or one.goes_on >= 0
                if rule.message or rule.disruptive:
                    fired += [Fired(rule, target) for target in targets[: MAX_FIRED - len(fired)]]
                if state.stopped:
                    break
        return fired, skipped

    def _finder(self) -> Find:
        """Asks the database; long texts once for each request."""
        seen: dict[str, frozenset[int]] = {}

        def find(text: str) -> frozenset[int]:
            found = seen.get(text)
            if found is None:
                found = seen[text] = frozenset(self.database.scan(text))
            return found

        return find

    def _expressions(self, where: Path | None, fallback: bool) -> Database:
        """The database of all expressions; what cannot be had there or elsewhere is left out, and told."""
        numbers: dict[Pattern, int] = {}
        indexed = [one for one in self._steps if _can_be_found(one.links[0])]
        for one in indexed:
            patterns = one.links[0].patterns
            one.links[0].numbers = frozenset(numbers.setdefault(pattern, len(numbers)) for pattern in patterns)
        database = Database(list(numbers), where, fallback, "latin-1")
        self._patterns = list(numbers)
        gone = {id(one) for one in indexed if self._refused(one, database)}
        gone |= {id(one) for one in self._steps if self._broken(one)}
        self._steps = [one for one in self._steps if id(one) not in gone]
        return database

    def _refused(self, one: Step, database: Database) -> bool:
        reasons = [database.refused[number] for number in one.links[0].numbers if number in database.refused]
        self.problems += [Problem(one.rule.id, one.rule.place, reason) for reason in reasons[:1]]
        return bool(reasons)

    def _broken(self, one: Step) -> bool:
        for link in one.links:
            try:
                if not link.numbers:
                    link.searches()
            except PatternError as error:
                self.problems.append(Problem(one.rule.id, link.rule.place, str(error)))
                return True
        return False

    def _foresee(self, where: Path | None, fallback: bool) -> None:
        """For each rule, what says whether it may fire: facets, expressions, variables of others; or nothing."""
        steps = dict(enumerate(self._steps))
        known = {number: effects.effects(one) for number, one in steps.items()}
        idle = {n for n, one in steps.items() if effects.without_trace(one) and _unread(n, known)}
        rest = {number: one for number, one in steps.items() if number not in idle}
        self._settled = Settled(rest, self._environment)
        self._groups = facets.Grouped(rest, self._environment, lambda text: frozenset(self.database.scan(text)))
        rest = {n: one for n, one in rest.items() if n not in self._groups.steps}
        found = {n: one for n, one in rest.items() if _can_be_found(one.links[0])}
        self._index = Index(found, self.database, self._patterns, where, fallback)
        rest = {number: one for number, one in rest.items() if number not in found}
        sleeping = {n: effects.effects(one, 1) for n, one in rest.items() if self._sleeps(one)}
        self._readers = effects.readers(sleeping, known)
        self._always = frozenset(self._index.always | (set(rest) - set(sleeping)))

    def _sleeps(self, one: Step) -> bool:
        """Whether a step looks at variables alone, and does not hold before another has written some."""
        first = one.links[0]
        macros = effects.effects(one, 1).macros
        if (
            first.rule.unconditional
            or macros - {"tx"}
            or any(variable.name not in ("TX", *STORED) for variable in first.rule.variables)
        ):
            return False
        return not first.matches(State({}, dict(self._environment)), None)


def _unread(number: int, known: dict[int, effects.Effects]) -> bool:
    """Whether nothing asks for what a step writes."""
    writes = known[number].writes
    return writes.isdisjoint(effects.SCORES) and not any(
        one.touched_by(writes) for n, one in known.items() if n != number
    )


def _can_be_found(link: Link) -> bool:
    """Whether the index can tell that a rule may fire: it asks for expressions or a detector, in what came with the
    request."""
    usual = all(one.name != "TX" and not one.count and not one.name.startswith("MATCHED") for one in link.wanted)
    return link.words is not None and not link.negated and usual


def _changed(state: State) -> bool:
    return bool(state.removed_ids or state.removed_tags)


def _removed(rule: Rule, state: State) -> bool:
    if any(low <= rule.id <= high for low, high in state.removed_ids):
        return True
    return any(
        any(re.search(re.escape(text), one) for one in rule.tags) if is_tag else text in rule.message
        for text, is_tag in state.removed_tags
    )
