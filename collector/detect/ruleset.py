"""Own rules in use: their expressions live in one database, every input is scanned once for each disguise taken off.

What the database found is confirmed: the place, the length, the detector, what must not be there. An input that no rule
could match costs one scan, and none where the same short text was scanned before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from collector.detect.inputs import Input
from collector.detect.match import injection
from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern, PatternError, compiled
from collector.detect.transforms import PLAIN, Transform, apply

__all__ = ["MAX_MATCHES", "Condition", "Examples", "Match", "PatternError", "Rule", "RuleSet"]

PARAMETERS = ("query", "body", "path_params", "file_name", "cookie")
PLACES = (*PARAMETERS, "path", "header")
MAX_MATCHES = 64
"""Matches kept of one request."""

MAX_PART = 4096
Where = Annotated[
    str, Meta(pattern="^(any|query|body|path|header|cookie|path_params|file_name)(:[A-Za-z0-9_.-]{1,64})?$")
]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Expression = Annotated[str, Meta(min_length=1, max_length=16384)]


class Examples(Struct, frozen=True, forbid_unknown_fields=True):
    """Values that a rule's first condition must match, and values that it must let pass."""

    match: Annotated[tuple[str, ...], Meta(min_length=1)]
    passes: Annotated[tuple[str, ...], Meta(min_length=1)] = field(name="pass")


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """An expression and the inputs that it looks at: places (`query`), or one parameter of a place
    (`header:user-agent`). `min_length` in characters, after the transformations. `unless`: an expression that must not
    match the same text. `detect`: what libinjection must say of it as well."""

    regex: Expression
    inputs: Annotated[tuple[Where, ...], Meta(min_length=1, max_length=32)] = PARAMETERS
    transforms: Annotated[tuple[Transform, ...], Meta(max_length=8)] = ()
    min_length: Annotated[int, Meta(ge=0, le=65536)] = 0
    unless: Annotated[str, Meta(max_length=16384)] = ""
    detect: Literal["", "sql", "xss"] = ""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: all conditions must hold in one request; the first names the input. `block`: in block mode it stops
    the request. `confidence`: 5 is an attack for sure, 1 a hint. `tags`: CWE, CAPEC, ATT&CK."""

    id: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*-[0-9]{3,6}$", max_length=64)]
    name: Name
    category: Annotated[str, Meta(pattern="^[a-z][a-z_]*$", max_length=64)]
    tags: Annotated[tuple[Name, ...], Meta(max_length=16)]
    conditions: Annotated[tuple[Condition, ...], Meta(min_length=1, max_length=8)]
    examples: Examples
    block: bool = False
    confidence: Annotated[int, Meta(ge=1, le=5)] = 5


class Match(Struct, frozen=True):
    """A rule, the input it matched, and the matching part (as it stands after the rule's transformations)."""

    rule: Rule
    input: Input
    part: str


class _Entry(Struct, frozen=True, eq=False):
    """A first condition. `parameters` by place: the names that it looks at, None for all."""

    rule: Rule
    condition: Condition
    parameters: dict[str, frozenset[str] | None]
    others: tuple[tuple[Condition, int], ...]


class RuleSet:
    """Compiled rules; raises PatternError. `where`: the directory of compiled databases."""

    def __init__(self, rules: Sequence[Rule], where: Path | None = None, fallback: bool = False) -> None:
        self.rules = tuple(rules)
        self._numbers: dict[str, int] = {}
        self._entries = defaultdict[tuple[int, tuple[Transform, ...]], list[_Entry]](list)
        chains = defaultdict[str, dict[tuple[Transform, ...], None]](dict)
        for rule in rules:
            first = rule.conditions[0]
            others = tuple((other, self._number(other.regex)) for other in rule.conditions[1:])
            entry = _Entry(rule, first, _places(first), others)
            self._entries[self._number(first.regex), first.transforms].append(entry)
            for place in entry.parameters:
                chains[place][first.transforms] = None
            for condition in rule.conditions:
                if condition.unless:
                    self._number(condition.unless)
        self._chains = {place: tuple(ordered) for place, ordered in chains.items()}
        patterns = [Pattern(regex, caseless=True) for regex in self._numbers]
        self._locators = [compiled(pattern) for pattern in patterns]
        self.database = Database(patterns, where, fallback)
        for _, reason in self.database.refused.items():
            raise PatternError(reason)

    def match(self, items: Iterable[Input]) -> list[Match]:
        """The rules that these inputs match; one match for a rule and parameter."""
        inputs = list(items)
        found: dict[tuple[str, str, str], Match] = {}
        for item in inputs:
            for text, chains in self._texts(item).items():
                numbers = self.database.scan(text)
                if numbers:
                    self._confirm(numbers, text, chains, item, inputs, found)
        return list(found.values())

    def matches_example(self, rule: Rule, value: str) -> bool:
        """Whether the first condition of a rule matches a value, wherever it looks."""
        entry = next(one for ones in self._entries.values() for one in ones if one.rule.id == rule.id)
        text = apply(entry.condition.transforms, value)
        return self._number(entry.condition.regex) in self.database.scan(text) and self._fits(entry.condition, text)

    def _number(self, regex: str) -> int:
        return self._numbers.setdefault(regex, len(self._numbers))

    def _texts(self, item: Input) -> Mapping[str, Sequence[tuple[Transform, ...]]]:
        """The different texts that the transformations make of an input, and which make them."""
        value, chains = item.value, self._chains.get(item.location, ())
        if PLAIN.fullmatch(value):
            return {value: chains} if chains else {}
        texts: dict[str, list[tuple[Transform, ...]]] = {}
        for chain in chains:
            texts.setdefault(apply(chain, value) if chain else value, []).append(chain)
        return texts

    def _confirm(
        self, numbers: Sequence[int], text: str, chains: Sequence[tuple[Transform, ...]], item: Input,
        inputs: Sequence[Input], found: dict[tuple[str, str, str], Match],
    ) -> None:  # fmt: skip
        for number in numbers:
            for chain in chains:
                for entry in self._entries.get((number, chain), ()):
                    key = (entry.rule.id, item.location, item.parameter)
                    if key in found or len(found) >= MAX_MATCHES or not _looks_at(entry.parameters, item):
                        continue
                    if self._fits(entry.condition, text) and all(self._holds(*one, inputs) for one in entry.others):
                        part = text[:MAX_PART] if entry.condition.detect else self._part(number, text)
                        found[key] = Match(entry.rule, item, part)

    def _fits(self, condition: Condition, text: str) -> bool:
        """What of a condition the database does not know."""
        if len(text) < condition.min_length:
            return False
        if condition.unless and self._numbers[condition.unless] in self.database.scan(text):
            return False
        if condition.detect and injection.AVAILABLE:
            return injection.surely_sql(text) if condition.detect == "sql" else injection.xss(text)
        return not condition.detect

    def _holds(self, condition: Condition, number: int, inputs: Sequence[Input]) -> bool:
        places = _places(condition)
        for item in inputs:
            if _looks_at(places, item):
                text = apply(condition.transforms, item.value)
                if number in self.database.scan(text) and self._fits(condition, text):
                    return True
        return False

    def _part(self, number: int, text: str) -> str:
        hit: Any = self._locators[number].search(text.encode("utf-8", "replace"))
        return hit.group()[:MAX_PART].decode("utf-8", "ignore") if hit else text[:MAX_PART]


def _places(condition: Condition) -> dict[str, frozenset[str] | None]:
    places: dict[str, frozenset[str] | None] = {}
    for where in condition.inputs:
        place, _, parameter = where.partition(":")
        if place == "any":
            return dict.fromkeys(PLACES)
        known = places.get(place, frozenset())
        places[place] = known | {parameter} if parameter and known is not None else None
    return places


def _looks_at(places: dict[str, frozenset[str] | None], item: Input) -> bool:
    if item.location not in places:
        return False
    names = places[item.location]
    return names is None or item.parameter in names
