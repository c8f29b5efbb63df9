"""Which rules may fire, by the expressions that the database finds in a request.

The values of a request are transformed as the rules ask, and all texts that come of them are scanned together, a group
of collections at a time, with expressions that find rather too much. Only where these find something is each value
looked at by itself. What was found of short values is remembered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern
from collector.detect.seclang.chains import Chain, Chains
from collector.detect.seclang.joined import joined, relaxed
from collector.detect.seclang.link import Link
from collector.detect.seclang.step import Step
from collector.detect.seclang.syntax import Variable
from collector.detect.seclang.transaction import Pairs

MAX_REMEMBERED = 8192
MAX_REMEMBERED_TEXT = 256
"""Characters of a value for which it is remembered which rules may fire."""

MAX_APART = 64
"""Values of a group that are looked at one by one."""

_LINE = frozenset(
    ("REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE", "REQUEST_FILENAME", "REQUEST_BASENAME", "QUERY_STRING",
     "REQUEST_METHOD", "REQUEST_PROTOCOL")
)  # fmt: skip

Rules = frozenset[int]
_NONE: Rules = frozenset()


class _Looks(Struct, frozen=True):
    """What rules do with the values of a collection, or of one key of it: their chains, and who asks for what."""

    chains: frozenset[Chain]
    rules: dict[int, Rules]


class _Plan(Struct, frozen=True):
    """A collection: its group, and what is done with every value, and with those of some keys."""

    group: str
    every: _Looks
    by_key: dict[str, _Looks]


class _Value(Struct, frozen=True):
    """A value of which nothing is known yet."""

    name: tuple[str, str, str]
    looks: _Looks
    texts: set[str]


class Index:
    """`numbered`: the steps whose first link has expressions, by number; `numbers` of those links are set here."""

    def __init__(self, numbered: Mapping[int, Step], exact: Database, patterns: Sequence[Pattern], where: Path | None,
                 fallback: bool) -> None:  # fmt: skip
        self._known: dict[tuple[str, str, str], Rules] = {}
        self._chains = Chains()
        self._hints = frozenset(
            n for step in numbered.values() if step.links[0].detector for n in step.links[0].numbers
        )
        self._plans = {name: _plan(name, numbered) for name in _collections(numbered.values())}
        self._databases = self._grouped(patterns, where, fallback)
        empty = set(exact.scan(""))
        self.always = {number for number, step in numbered.items() if not empty.isdisjoint(step.links[0].numbers)}
        """The rules whose expressions match even an empty text, or cannot be looked for in texts that are joined."""
        refused = {number for one in self._databases.values() for number in one.refused}
        self.always |= {number for number, step in numbered.items() if not refused.isdisjoint(step.links[0].numbers)}

    def candidates(self, collections: Mapping[str, Pairs]) -> set[int]:
        """The rules that may fire."""
        found = set[int]()
        unknown: dict[str, list[_Value]] = {}
        for collection, plan in self._plans.items():
            for key, value in collections.get(collection, ()):
                special = key.lower() if plan.by_key and key.lower() in plan.by_key else ""
                looks = plan.by_key[special] if special else plan.every
                if not value or not looks.chains:
                    continue
                name = (collection, special, value)
                known = self._known.get(name)
                if known is None:
                    texts = self._chains.texts(value, looks.chains)
                    unknown.setdefault(plan.group, []).append(_Value(name, looks, texts))
                elif known:
                    found |= known
        for group, values in unknown.items():
            found |= self._look(self._databases[group], values)
        return found

    def _look(self, database: Database, values: list[_Value]) -> Rules:
        """What the expressions of a group find in some values."""
        numbers = frozenset(database.find(joined(set().union(*[one.texts for one in values]))))
        if numbers <= self._hints or not 1 < len(values) <= MAX_APART:
            return self._learn([(one, numbers) for one in values], len(values) <= MAX_APART)
        return self._learn([(one, frozenset(database.find(joined(one.texts)))) for one in values], True)

    def _learn(self, found: list[tuple[_Value, frozenset[int]]], keep: bool) -> Rules:
        rules = set[int]()
        for value, numbers in found:
            asked = value.looks.rules
            mine = frozenset().union(*[asked[n] for n in numbers if n in asked]) if numbers else _NONE
            if mine:
                rules |= mine
            if keep and len(value.name[2]) <= MAX_REMEMBERED_TEXT:
                if len(self._known) >= MAX_REMEMBERED:
                    self._known.clear()
                self._known[value.name] = mine
        return frozenset(rules)

    def _grouped(self, patterns: Sequence[Pattern], where: Path | None, fallback: bool) -> dict[str, Database]:
        """A database for each group of collections, with the expressions that are asked for there."""
        asked = defaultdict[str, set[int]](set)
        for plan in self._plans.values():
            for looks in (plan.every, *plan.by_key.values()):
                asked[plan.group] |= set(looks.rules)
        return {
            group: Database(
                [relaxed(patterns[n]) for n in sorted(numbers)], where, fallback, "latin-1", sorted(numbers)
            )
            for group, numbers in asked.items()
        }


def collection(variable: Variable) -> str:
    return "XML@" if variable.name == "XML" and variable.key == "//@*" else variable.name


def _collections(steps: Iterable[Step]) -> dict[str, None]:
    return {collection(one): None for step in steps for one in step.links[0].wanted}


def _plan(name: str, numbered: Mapping[int, Step]) -> _Plan:
    """What is done with a collection."""
    looking = [(number, step.links[0], one) for number, step in numbered.items() for one in step.links[0].wanted
               if collection(one) == name]  # fmt: skip
    keys = {one.key.lower() for _, _, one in looking if _keyed(one)}
    every = [(number, link) for number, link, one in looking if not _keyed(one)]
    by_key = {
        key: _looks(
            [*every, *((number, link) for number, link, one in looking if _keyed(one) and one.key.lower() == key)]
        )
        for key in keys
    }
    group = "headers" if name.startswith("REQUEST_HEADERS") else "line" if name in _LINE else "payload"
    return _Plan(group, _looks(every), by_key)


def _keyed(variable: Variable) -> bool:
    return bool(variable.key) and not variable.by_expression and variable.name != "XML"


def _looks(asking: Iterable[tuple[int, Link]]) -> _Looks:
    rules = defaultdict[int, set[int]](set)
    chains = set[Chain]()
    for number, link in asking:
        chains.update(link.chains)
        for one in link.numbers:
            rules[one].add(number)
    return _Looks(frozenset(chains), {number: frozenset(some) for number, some in rules.items()})
