"""Own rules in use: their expressions live in one database, and one scan of all inputs together says what to do.

The inputs stand in it line by line, each with the disguises taken off that it has; `^` and `$` match at lines, so what
matches within one input matches there too. Mostly nothing does, and that was all. Where something does, or the texts
are long, each is scanned by itself, and RE2 has the last word on what the scan found there: with it the place, the
length, the detector, and what must not be there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from collector.detect.inputs import Input
from collector.detect.match import injection
from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern, PatternError, compiled, core
from collector.detect.redact import MAX_REPEATED, REPEATED
from collector.detect.transforms import Transform, apply, disguised

__all__ = ["MAX_MATCHES", "Condition", "Examples", "Match", "PatternError", "Rule", "RuleSet"]

PARAMETERS = ("query", "body", "path_params", "file_name", "cookie")
PLACES = (*PARAMETERS, "path", "header")
ANSWER = ("status", "response_header")
MAX_MATCHES = 64
"""Matches kept of one request."""

MAX_PART = 4096
MAX_JOINED = 4096
"""Characters of a text, on an average, up to which all are scanned together first."""

MAX_CHAINS = 2
"""Chains of transformations that each have their expressions looked for by themselves."""

MAX_REMEMBERED = 2048
"""Header values whose disguises are remembered."""

Where = Annotated[
    str,
    Meta(
        pattern="^(any|query|body|path|header|cookie|path_params|file_name|status|response_header)"
        "(:[A-Za-z0-9_.-]{1,64})?$"
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Chain = tuple[Transform, ...]
Texts = Sequence[tuple[str, Sequence[Chain]]]
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
    """A rule by its first condition. `parameters` by place: the names that it looks at, None for all."""

    rule: Rule
    condition: Condition
    parameters: dict[str, frozenset[str] | None]


class RuleSet:
    """Rules in use; raises PatternError. `where`: the directory of compiled databases. RE2's objects are made when they
    are first asked for: most never are."""

    def __init__(self, rules: Sequence[Rule], where: Path | None = None, fallback: bool = False) -> None:
        self.rules = tuple(rules)
        self.on_answers = tuple(filter(_on_answers, self.rules))
        numbers: dict[str, int] = {}
        entries = defaultdict[int, dict[Chain, list[_Entry]]](dict)
        for rule in rules:
            first = rule.conditions[0]
            chains = entries[numbers.setdefault(first.regex, len(numbers))]
            chains.setdefault(first.transforms, []).append(_Entry(rule, first, _places(first)))
        self._regexes, self._entries = tuple(numbers), [entries[number] for number in range(len(numbers))]
        self._chains = tuple({chain: None for chains in self._entries for chain in chains if chain})
        self._every = ((), *self._chains)
        self._expression = cache(expression)
        self._texts_of_header = lru_cache(MAX_REMEMBERED)(self._texts)
        patterns = [Pattern(core(regex), caseless=True, multiline=True) for regex in numbers]
        self.database = Database(patterns, where, fallback)
        self._by_chain = {
            chain: _chosen(patterns, [n for n, one in enumerate(self._entries) if chain in one], where, fallback)
            for chain in self._every
        }
        for reason in self.database.refused.values():
            raise PatternError(reason)

    def match(self, items: Iterable[Input]) -> list[Match]:
        """The rules that these inputs match; one match for a rule and parameter."""
        inputs = list(items)
        lines = self._lines(inputs)
        if sum(map(len, lines)) < MAX_JOINED * len(lines) and not self.database.find("\n".join(lines)):
            return []
        found: dict[tuple[str, str, str], Match] = {}
        for item in inputs:
            for text, chains in self._texts_of(item):
                for number in sorted(self._find(text, chains)):
                    self._confirm(number, text, chains, item, inputs, found)
        return list(found.values())

    def _lines(self, inputs: Sequence[Input]) -> list[str]:
        """All texts that the transformations make of these inputs. Mostly they make none: one look at all that were not
        seen before says so."""
        lines, new = list[str](), list[str]()
        for item in inputs:
            if _comes_again(item):
                lines += [line for line, _ in self._texts_of_header(item.value)]
            else:
                new.append(item.value)
        if disguised(" ".join(new)):
            return lines + [line for value in new for line, _ in self._texts(value)]
        return lines + new

    def _find(self, text: str, chains: Sequence[Chain]) -> Collection[int]:
        """The expressions that match a text and are asked for by these chains; maybe others."""
        if len(chains) > MAX_CHAINS:
            return self.database.find(text)
        return {number for chain in chains for number in self._by_chain[chain].find(text)}

    def matches_example(self, rule: Rule, value: str) -> bool:
        """Whether the first condition of a rule matches a value, wherever it looks."""
        text = apply(rule.conditions[0].transforms, value)
        there = self._regexes.index(rule.conditions[0].regex) in self.database.find(text)
        return there and self._search(rule.conditions[0], text) is not None

    def _texts_of(self, item: Input) -> Texts:
        """The different texts that the transformations make of an input, and which make them."""
        return (self._texts_of_header if _comes_again(item) else self._texts)(item.value)

    def _texts(self, value: str) -> Texts:
        if not disguised(value):
            return ((value, self._every),)
        texts: dict[str, list[Chain]] = {value: [()]}
        for chain in self._chains:
            texts.setdefault(apply(chain, value), []).append(chain)
        return tuple(texts.items())

    def _confirm(
        self, number: int, text: str, chains: Sequence[Chain], item: Input, inputs: Sequence[Input],
        found: dict[tuple[str, str, str], Match],
    ) -> None:  # fmt: skip
        for chain in chains:
            for entry in self._entries[number].get(chain, ()):
                key = (entry.rule.id, item.location, item.parameter)
                if key in found or len(found) >= MAX_MATCHES or not _looks_at(entry.parameters, item):
                    continue
                part = self._search(entry.condition, text)
                if part is not None and all(self._holds(one, inputs) for one in entry.rule.conditions[1:]):
                    found[key] = Match(entry.rule, item, part)

    def _search(self, condition: Condition, text: str) -> str | None:
        """The part of a text that a condition matches, None where it does not hold."""
        data = text.encode("utf-8", "replace")
        hit = self._expression(condition.regex).search(data) if len(text) >= condition.min_length else None
        if hit is None or (condition.unless and self._expression(condition.unless).search(data)):
            return None
        if condition.detect:
            sure = injection.surely_sql if condition.detect == "sql" else injection.xss
            return text[:MAX_PART] if sure(text) else None
        part: bytes = hit.group()
        return part[:MAX_PART].decode("utf-8", "ignore")

    def _holds(self, condition: Condition, inputs: Sequence[Input]) -> bool:
        places = _places(condition)
        return any(
            _looks_at(places, item) and self._search(condition, apply(condition.transforms, item.value)) is not None
            for item in inputs
        )


def _comes_again(item: Input) -> bool:
    """Whether it is a header that has the same value in many requests."""
    return item.location == "header" and item.parameter in REPEATED and len(item.value) <= MAX_REPEATED


def expression(regex: str) -> Any:
    """RE2's object for an expression of a rule; raises PatternError."""
    return compiled(Pattern(regex, caseless=True))


def _on_answers(rule: Rule) -> bool:
    """Whether a rule looks at answers."""
    return any(place.partition(":")[0] in ANSWER for condition in rule.conditions for place in condition.inputs)


def _chosen(patterns: Sequence[Pattern], numbers: Sequence[int], where: Path | None, fallback: bool) -> Database:
    return Database([patterns[number] for number in numbers], where, fallback, numbers=numbers)


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
