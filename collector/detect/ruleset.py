"""Rules compiled into RE2 sets: one pass over all inputs of a place tells which rules can match at all.

A clean request costs one pass per place and kind of disguise; only where a rule may match are the inputs looked at one
by one. RE2 runs in time linear to the text. (https://github.com/google/re2)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import re2
from msgspec import Meta, Struct, field

from collector.detect.inputs import Input
from collector.detect.transforms import Transform, apply

PARAMETERS = ("query", "body", "path_params", "file_name", "cookie")
MAX_MATCHES = 64
"""Matches kept of one request."""

SET_MEMORY = 16 << 20
"""Bytes that the automaton of one set may grow to; when it is full it starts anew."""

Where = Annotated[str, Meta(pattern="^(query|body|path|header|cookie|path_params|file_name)(:[A-Za-z0-9_.-]{1,64})?$")]
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class PatternError(ValueError):
    """An expression that cannot be used."""


class Examples(Struct, frozen=True, forbid_unknown_fields=True):
    """Values that a rule's first condition must match, and values that it must let pass."""

    match: Annotated[tuple[str, ...], Meta(min_length=1)]
    passes: Annotated[tuple[str, ...], Meta(min_length=1)] = field(name="pass")


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """An expression and the inputs that it looks at: places (`query`), or one parameter of a place
    (`header:user-agent`). `min_length` in characters, after the transformations."""

    regex: Annotated[str, Meta(min_length=1, max_length=16384)]
    inputs: Annotated[tuple[Where, ...], Meta(min_length=1, max_length=32)] = PARAMETERS
    transforms: Annotated[tuple[Transform, ...], Meta(max_length=8)] = ()
    min_length: Annotated[int, Meta(ge=0, le=65536)] = 0


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: all conditions must hold in one request; the first names the input. `block`: in block mode it stops
    the request. `tags`: CWE, CAPEC, ATT&CK."""

    id: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*-[0-9]{3,6}$", max_length=64)]
    name: Name
    category: Annotated[str, Meta(pattern="^[a-z][a-z_]*$", max_length=64)]
    tags: Annotated[tuple[Name, ...], Meta(max_length=16)]
    conditions: Annotated[tuple[Condition, ...], Meta(min_length=1, max_length=8)]
    examples: Examples
    block: bool = False


class Match(Struct, frozen=True):
    """A rule, the input it matched, and the matching part (as it stands after the rule's transformations)."""

    rule: Rule
    input: Input
    part: str


class _Group(Struct, frozen=True):
    """Conditions that look at one place in one way."""

    transforms: tuple[Transform, ...]
    set: Any
    entries: list[tuple[Rule, Condition, str, Any]]


class RuleSet:
    """Compiled rules; raises PatternError."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._single = {regex: _compile(regex) for rule in rules for regex in _regexes(rule)}
        sorted_out = defaultdict[tuple[str, tuple[Transform, ...]], list[tuple[Rule, Condition, str, Any]]](list)
        for rule in rules:
            first = rule.conditions[0]
            for where in first.inputs:
                place, _, parameter = where.partition(":")
                sorted_out[place, first.transforms].append((rule, first, parameter, self._single[first.regex]))
        self._groups = defaultdict[str, list[_Group]](list)
        for (place, transforms), entries in sorted_out.items():
            self._groups[place].append(_Group(transforms, _compile_set(e[1].regex for e in entries), entries))

    def match(self, items: Iterable[Input]) -> list[Match]:
        """The rules that these inputs match; one match for a rule and parameter."""
        places = defaultdict[str, list[Input]](list)
        for item in items:
            places[item.location].append(item)
        found: dict[tuple[str, str, str], Match] = {}
        for place, inputs in places.items():
            for group in self._groups.get(place, ()):
                self._match_group(group, inputs, places, found)
        return list(found.values())

    def matches_example(self, rule: Rule, value: str) -> bool:
        """Whether the first condition of a rule matches a value, wherever it looks."""
        places = [where.partition(":") for where in rule.conditions[0].inputs]
        bare = RuleSet([_only_first(rule)]) if len(rule.conditions) > 1 else self
        return all(bare.match([Input(place, parameter, value)]) for place, _, parameter in places)

    def _match_group(
        self, group: _Group, inputs: list[Input], places: dict[str, list[Input]], found: dict[Any, Match]
    ) -> None:
        names = group.transforms
        values = [apply(names, item.value) for item in inputs] if names else [item.value for item in inputs]
        if not group.set.Match("\n".join(values)):
            return
        for item, value in zip(inputs, values, strict=True):
            for number in group.set.Match(value) or ():
                rule, condition, parameter, compiled = group.entries[number]
                key = (rule.id, item.location, item.parameter)
                if key in found or len(found) >= MAX_MATCHES or (parameter and parameter != item.parameter):
                    continue
                hit = compiled.search(value) if len(value) >= condition.min_length else None
                if hit and all(self._holds(other, places) for other in rule.conditions[1:]):
                    found[key] = Match(rule, item, hit.group())

    def _holds(self, condition: Condition, places: dict[str, list[Input]]) -> bool:
        compiled = self._single[condition.regex]
        for where in condition.inputs:
            place, _, parameter = where.partition(":")
            for item in places.get(place, ()):
                value = apply(condition.transforms, item.value)
                fits = not parameter or parameter == item.parameter
                if fits and len(value) >= condition.min_length and compiled.search(value):
                    return True
        return False


def _only_first(rule: Rule) -> Rule:
    return Rule(rule.id, rule.name, rule.category, rule.tags, rule.conditions[:1], rule.examples, rule.block)


def _regexes(rule: Rule) -> list[str]:
    return [condition.regex for condition in rule.conditions]


def _options(max_mem: int = 8 << 20) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = max_mem
    return options


def _compile(regex: str) -> Any:
    try:
        return re2.compile(regex, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise PatternError(f"the expression does not compile: {reason}") from None


def _compile_set(regexes: Iterable[str]) -> Any:
    """Inputs are joined by line feeds, so ^ and $ must match at lines here. A match of one input is a match of the
    joined text too; the other way round is what the single expressions are for."""
    compiled = re2.Set.SearchSet(_options(SET_MEMORY))
    try:
        for regex in regexes:
            compiled.Add(f"(?m:{regex})")
        compiled.Compile()
    except re2.error:
        raise PatternError("the expressions are too large together") from None
    return compiled
