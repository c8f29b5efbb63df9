"""A rule ready to run: how to get at its targets, and how to ask its operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec import Struct

from collector.detect.match.pattern import Pattern, PatternError, compiled
from collector.detect.seclang import operators, transformations
from collector.detect.seclang.rule import STORED, Rule
from collector.detect.seclang.syntax import Variable
from collector.detect.seclang.transaction import Pairs

MAX_KNOWN = 256
MAX_SHORT = 256
"""Characters of a value for which an answer is remembered."""

MAX_TARGETS = 2048
_MACRO = re.compile(r"%\{([^}]+)\}")
_CAPTURES = re.compile(r"%\{tx\.\d\}|^\d$", re.IGNORECASE)

Environment = dict[str, str]
Find = Callable[[str], frozenset[int]]


class Target(Struct, frozen=True):
    """A value that a rule looks at, and what it is called."""

    name: str
    key: str
    value: str
    captured: tuple[str, ...] = ()


class State:
    """What a transaction changes while its rules run."""

    def __init__(self, collections: Mapping[str, Pairs], environment: Environment) -> None:
        self.collections = collections
        self.tx = environment
        self.matched: list[Target] = []
        self.removed_ids: list[tuple[int, int]] = []
        self.removed_tags: list[tuple[str, bool]] = []
        self.removed_targets: list[tuple[str, str, Variable]] = []
        self.stopped = False


class Link:
    """One rule of a chain. `numbers`: its expressions in the database, where it has some there."""

    def __init__(self, rule: Rule, captures: bool) -> None:
        self.rule = rule
        self.wanted = [one for one in rule.variables if not one.excluded]
        self.excluded = [one for one in rule.variables if one.excluded]
        self.captures = captures
        self.words = operators.words(rule.operator, rule.folder)
        self.numbers: frozenset[int] = frozenset()
        self.negated = rule.operator.negated
        self.argument = rule.operator.argument if "%{" in rule.operator.argument else ""
        self._test = None if self.words else operators.test(rule.operator, rule.folder)
        self._fixed = rule.operator.argument
        self.detector = self.words.detector if self.words else ""
        self._search: list[Any] | None = None
        self._verdicts: dict[str, str | None] = {}
        names = rule.transforms
        self.chains = tuple(names[:end] for end in range(len(names) + 1)) if rule.multi_match else (names,)
        self.functions = [transformations.chain(chain) for chain in self.chains]

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The expressions of the operator, where it has such."""
        return self.words.patterns if self.words else ()

    def matches(self, state: State, find: Find | None, among: Container[str] | None = None) -> list[Target]:
        """The targets for which the operator holds, as the operator saw them; `find` asks the database. `among`: the
        only values for which it may hold, where that is known."""
        if self.rule.unconditional:
            return [Target("", "", "")]
        found = []
        for name, key, value in islice(self._targets(state, among), MAX_TARGETS):
            text = self._verdict(value, state, find)
            if text is not None:
                found.append(Target(name, key, text, self._capture(text) if self.captures else ()))
        return found

    def _verdict(self, value: str, state: State, find: Find | None) -> str | None:
        """The transformed text for which the operator holds, or None; remembered where only the value decides."""
        if self._test is not None or self.argument or len(value) > MAX_SHORT:
            return self._judged(value, state, find)
        known = self._verdicts.get(value, "")
        if known == "":
            if len(self._verdicts) >= MAX_KNOWN:
                self._verdicts.clear()
            known = self._judged(value, state, find)
            if known != "":
                self._verdicts[value] = known
        return known

    def _judged(self, value: str, state: State, find: Find | None) -> str | None:
        before = None
        for function in self.functions:
            text = function(value)
            if text != before and self._holds(text, state, find) != self.negated:
                return text
            before = text
        return None

    def _targets(self, state: State, among: Container[str] | None) -> Iterator[tuple[str, str, str]]:
        """What the rule looks at, as name, key and value, without what is excluded."""
        filtered = bool(self.excluded or state.removed_targets)
        for variable in self.wanted:
            listed = _values(variable, state)
            if variable.count:
                listed = [(variable.key, str(len(listed)))]
            for key, value in listed:
                if (among is None or value in among) and not (filtered and self._left_out(variable.name, key, state)):
                    yield variable.name, key, value

    def _left_out(self, name: str, key: str, state: State) -> bool:
        return any(_is(variable, name, key) for variable in self.excluded) or any(
            _is(variable, name, key) and _rule_is(self.rule, kind, value)
            for kind, value, variable in state.removed_targets
        )

    def _holds(self, text: str, state: State, find: Find | None) -> bool:
        if self._test is not None:
            return self._test(text, expand(self.argument, state, self.rule) if self.argument else self._fixed)
        if self.detector:
            return operators.DETECTORS[self.detector](text)
        return not self.numbers.isdisjoint(find(text)) if find is not None and self.numbers else self._direct(text)

    def _direct(self, text: str) -> bool:
        data = text.encode("latin-1", "replace")
        return any(one.search(data) for one in self.searches())

    def searches(self) -> list[Any]:
        """RE2's objects for the expressions of this rule; raises PatternError."""
        if self._search is None:
            self._search = [compiled(pattern) for pattern in self.patterns]
        return self._search

    def _capture(self, text: str) -> tuple[str, ...]:
        data = text.encode("latin-1", "replace")
        hit = next(filter(None, (one.search(data) for one in self.searches())), None) if self.words else None
        groups = [hit.group(), *hit.groups()] if hit else [data]
        return tuple((group or b"").decode("latin-1") for group in groups[:10])


def needs_captures(rule: Rule) -> bool:
    """Whether what an expression captured is used, other than for a message."""
    if not any(one.capture for one in rule.all()):
        return False
    texts: list[str] = []
    for one in rule.all():
        texts += [variable.key for variable in one.variables if variable.name == "TX" and not variable.by_expression]
        texts += [one.operator.argument, *(setvar.value for setvar in one.setvars), *(s.name for s in one.setvars)]
    return any(_CAPTURES.search(text) for text in texts)


def expand(text: str, state: State, rule: Rule) -> str:
    """A text with its macros replaced."""
    return _MACRO.sub(lambda match: _macro(match.group(1), state, rule), text) if "%{" in text else text


def _macro(name: str, state: State, rule: Rule) -> str:
    collection, _, key = name.partition(".")
    collection, key = collection.upper(), key.lower()
    if collection == "TX":
        return state.tx.get(key, "")
    if collection == "MATCHED_VAR":
        return state.matched[-1].value if state.matched else ""
    if collection == "MATCHED_VAR_NAME":
        return _named(state.matched[-1]) if state.matched else ""
    if collection == "RULE":
        return str(rule.id) if key == "id" else rule.message if key == "msg" else ""
    return next((value for k, value in state.collections.get(collection, ()) if not key or k.lower() == key), "")


def _values(variable: Variable, state: State) -> Pairs:
    name = variable.name
    if name == "TX":
        if variable.by_expression:
            return [(k, v) for k, v in state.tx.items() if _names(variable.key, k)]
        key = variable.key.lower()
        return [(key, state.tx[key])] if key in state.tx else list(state.tx.items()) if not key else []
    if name.startswith("MATCHED_VAR"):
        matched = state.matched if "VARS" in name else state.matched[-1:]
        return [(one.key, _named(one) if name.endswith(("NAME", "NAMES")) else one.value) for one in matched]
    return values(variable, state.collections)


def values(variable: Variable, collections: Mapping[str, Pairs]) -> Pairs:
    """What a variable stands for that came with the request."""
    name = variable.name
    if name in STORED:
        return []
    pairs = collections.get("XML@" if name == "XML" and variable.key == "//@*" else name, [])
    if not variable.key or name == "XML":
        return pairs
    if variable.by_expression:
        return [pair for pair in pairs if _names(variable.key, pair[0])]
    key = variable.key.lower()
    if name == "REQUEST_HEADERS":
        return [pair for pair in pairs if pair[0] == key]
    return [pair for pair in pairs if pair[0].lower() == key]


@lru_cache(16384)
def _names(expression: str, key: str) -> bool:
    """Whether an expression that stands for keys names this one."""
    found = _expression(expression)
    return found is not None and found.search(key.encode("latin-1", "replace")) is not None


@lru_cache(1024)
def _expression(text: str) -> Any:
    try:
        return compiled(Pattern(text, caseless=True))
    except PatternError:
        return None


def _is(variable: Variable, name: str, key: str) -> bool:
    """Whether an exclusion names a target."""
    if variable.name != name:
        return False
    if variable.by_expression:
        return _names(variable.key, key)
    return not variable.key or variable.key.lower() == key.lower() or variable.name == "XML"


def _rule_is(rule: Rule, kind: str, value: str) -> bool:
    from collector.detect.seclang.loader import chosen

    return chosen(rule, kind, (value,))


def _named(target: Target) -> str:
    return f"{target.name}:{target.key}" if target.key else target.name


def keys(variables: Iterable[Variable]) -> set[str]:
    """The names of transaction variables that are looked at."""
    return {variable.key.lower() for variable in variables if variable.name == "TX"}
