"""Which rules may fire, and for which values, by the expressions that the database finds in a request.

Each value is transformed as the rules ask, and all texts that come of it are scanned in one go, with expressions that
find rather too much. What was found of short values is remembered: most of what a request holds has come before. Where
a request has many values, the texts of all that remain are scanned together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
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

MAX_REMEMBERED = 512
"""Values of a collection of which is remembered which rules may fire; then it begins anew."""

MAX_REMEMBERED_TEXT = 256
"""Characters of such a value."""

MAX_APART = 64
"""New values of a request that are looked at one by one."""

_LINE = frozenset(
    ("REQUEST_URI", "REQUEST_LINE", "REQUEST_FILENAME", "REQUEST_BASENAME", "QUERY_STRING", "REQUEST_METHOD",
     "REQUEST_PROTOCOL")
)  # fmt: skip
_SAME = {
    "REQUEST_URI_RAW": "REQUEST_URI", "ARGS_GET": "ARGS", "ARGS_POST": "ARGS", "ARGS_GET_NAMES": "ARGS_NAMES",
    "ARGS_POST_NAMES": "ARGS_NAMES",
}  # fmt: skip
"""Collections whose values stand in another one as well."""

Rules = frozenset[int]
Found = dict[int, set[str]]
_NONE: Rules = frozenset()


class _Looks:
    """What rules do with the values of a collection, or of one key of it: their chains, and who asks for what. `known`:
    the rules that may fire for a value."""

    __slots__ = ("chains", "database", "known", "rules")

    def __init__(self, asking: Iterable[tuple[int, Link]]) -> None:
        rules = defaultdict[int, set[int]](set)
        chains = set[Chain]()
        for number, link in asking:
            chains.update(link.chains)
            for one in link.numbers:
                rules[one].add(number)
        self.chains = Chains(chains)
        self.rules = {number: frozenset(some) for number, some in rules.items()}
        self.known: dict[str, Rules] = {}
        self.database: Database

    def leave_out(self, always: Set[int]) -> None:
        """Rules that are run in any case."""
        self.rules = {number: left for number, some in self.rules.items() if (left := some - always)}

    def asks(self, numbers: Iterable[int]) -> Rules:
        """The rules that ask for one of these expressions."""
        return frozenset().union(*[self.rules[one] for one in numbers if one in self.rules])

    def look(self, value: str) -> Rules:
        """The rules that may fire for a value."""
        rules = self.asks(found) if (found := self.database.find(joined(self.chains.texts(value)))) else _NONE
        if len(value) <= MAX_REMEMBERED_TEXT:
            if len(self.known) >= MAX_REMEMBERED:
                self.known.clear()
            self.known[value] = rules
        return rules


class _Plan(Struct, frozen=True):
    """A collection: its group, and what is done with every value, and with those of some keys."""

    group: str
    every: _Looks
    by_key: dict[str, _Looks]


class Index:
    """`numbered`: the steps whose first link has expressions, by number."""

    def __init__(self, numbered: Mapping[int, Step], exact: Database, patterns: Sequence[Pattern], where: Path | None,
                 fallback: bool) -> None:  # fmt: skip
        plans = {name: _plan(name, numbered) for name in _collections(numbered.values())}
        databases = _grouped(plans.values(), patterns, where, fallback)
        empty = set(exact.scan(""))
        self.always = {number for number, step in numbered.items() if not empty.isdisjoint(step.links[0].numbers)}
        """The rules whose expressions match even an empty text, or cannot be looked for in texts that are joined."""
        refused = {number for one in databases.values() for number in one.refused}
        self.always |= {number for number, step in numbered.items() if not refused.isdisjoint(step.links[0].numbers)}
        for plan in plans.values():
            for looks in (plan.every, *plan.by_key.values()):
                looks.leave_out(self.always)
        self._plans = tuple(
            (name, plan.every, plan.by_key) for name, plan in plans.items() if plan.every.rules or plan.by_key
        )

    def candidates(self, collections: Mapping[str, Pairs]) -> Found:
        """The rules that may fire, and the values for which they may."""
        found: Found = {}
        rest: list[tuple[_Looks, str]] = []
        left = MAX_APART
        for collection, every, by_key in self._plans:
            for key, value in collections.get(collection, ()):
                looks = by_key.get(key.lower(), every) if by_key else every
                rules = looks.known.get(value)
                if rules is None:
                    left -= 1
                    if left < 0:
                        rest.append((looks, value))
                        continue
                    rules = looks.look(value)
                for rule in rules:
                    found.setdefault(rule, set()).add(value)
        if rest:
            _together(rest, found)
        return found


def _together(values: Iterable[tuple[_Looks, str]], found: Found) -> None:
    """What is found in any of some values holds for all of those that are looked at in the same way."""
    same = defaultdict[_Looks, list[str]](list)
    for looks, value in values:
        same[looks].append(value)
    for looks, some in same.items():
        texts = set().union(*[looks.chains.texts(value) for value in some])
        for rule in looks.asks(looks.database.find(joined(texts))):
            found.setdefault(rule, set()).update(some)


def collection(variable: Variable) -> str:
    """Where the values of a variable stand, or all of them with others."""
    return "XML@" if variable.name == "XML" and variable.key == "//@*" else _SAME.get(variable.name, variable.name)


def _collections(steps: Iterable[Step]) -> dict[str, None]:
    return {collection(one): None for step in steps for one in step.links[0].wanted}


def _plan(name: str, numbered: Mapping[int, Step]) -> _Plan:
    """What is done with a collection."""
    looking = [(number, step.links[0], one) for number, step in numbered.items() for one in step.links[0].wanted
               if collection(one) == name]  # fmt: skip
    keys = {one.key.lower() for _, _, one in looking if _keyed(one)}
    every = [(number, link) for number, link, one in looking if not _keyed(one)]
    by_key = {
        key: _Looks(
            [*every, *((number, link) for number, link, one in looking if _keyed(one) and one.key.lower() == key)]
        )
        for key in keys
    }
    group = "headers" if name.startswith("REQUEST_HEADERS") else "line" if name in _LINE else "payload"
    return _Plan(group, _Looks(every), by_key)


def _keyed(variable: Variable) -> bool:
    return bool(variable.key) and not variable.by_expression and variable.name != "XML"


def _grouped(
    plans: Iterable[_Plan], patterns: Sequence[Pattern], where: Path | None, fallback: bool
) -> dict[str, Database]:
    """A database for each group of collections, with the expressions that are asked for there."""
    looking = defaultdict[str, list[_Looks]](list)
    for plan in plans:
        looking[plan.group] += [plan.every, *plan.by_key.values()]
    databases = {}
    for group, some in looking.items():
        numbers = sorted({number for looks in some for number in looks.rules})
        databases[group] = Database([relaxed(patterns[n]) for n in numbers], where, fallback, "latin-1", numbers)
        for looks in some:
            looks.database = databases[group]
    return databases
