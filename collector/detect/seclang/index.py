"""Which rules may fire, and for which values, by what is found in each value of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from collector.detect.match.database import Database
from collector.detect.match.pattern import Pattern
from collector.detect.seclang.joined import relaxed
from collector.detect.seclang.link import Link
from collector.detect.seclang.looks import Expressions, Looks
from collector.detect.seclang.step import Step
from collector.detect.seclang.syntax import Variable
from collector.detect.seclang.transaction import Pairs

_LINE = frozenset(
    ("REQUEST_URI", "REQUEST_LINE", "REQUEST_FILENAME", "REQUEST_BASENAME", "QUERY_STRING", "REQUEST_METHOD",
     "REQUEST_PROTOCOL")
)  # fmt: skip
_SAME = {
    "REQUEST_URI_RAW": "REQUEST_URI", "ARGS_GET": "ARGS", "ARGS_POST": "ARGS", "ARGS_GET_NAMES": "ARGS_NAMES",
    "ARGS_POST_NAMES": "ARGS_NAMES",
}  # fmt: skip
"""Collections whose values stand in another one as well."""

Found = dict[int, set[str]]


class Index:
    """`numbered`: the steps whose first link has expressions or a detector, by number."""

    def __init__(self, numbered: Mapping[int, Step], exact: Database, patterns: Sequence[Pattern], where: Path | None,
                 fallback: bool) -> None:  # fmt: skip
        empty = set(exact.scan(""))
        self.always = {number for number, step in numbered.items() if not empty.isdisjoint(step.links[0].numbers)}
        """The rules whose expressions match even an empty text, or cannot be looked for in texts that are joined."""
        self._plans = tuple((name, *_plan(name, numbered)) for name in _collections(numbered.values()))
        expressions = [
            one for _, every, by_key in self._plans for looks in (every, *by_key.values()) for one in looks.expressions
        ]
        refused = _supply(expressions, patterns, where, fallback)
        self.always |= {number for number, step in numbered.items() if not refused.isdisjoint(step.links[0].numbers)}

    def candidates(self, collections: Mapping[str, Pairs]) -> Found:
        """The rules that may fire, and the values for which they may."""
        found: Found = {}
        for collection, every, by_key in self._plans:
            for key, value in collections.get(collection, ()):
                looks = by_key.get(key.lower(), every) if by_key else every
                rules = looks.known.get(value)
                if rules is None:
                    rules = looks.look(value)
                for rule in rules:
                    found.setdefault(rule, set()).add(value)
        for rule in self.always:
            found.pop(rule, None)
        return found


def collection(variable: Variable) -> str:
    """Where the values of a variable stand, or all of them with others."""
    return "XML@" if variable.name == "XML" and variable.key == "//@*" else _SAME.get(variable.name, variable.name)


def _collections(steps: Iterable[Step]) -> dict[str, None]:
    return {collection(one): None for step in steps for one in step.links[0].wanted}


def _plan(name: str, numbered: Mapping[int, Step]) -> tuple[Looks, dict[str, Looks]]:
    """What is done with every value of a collection, and with those of some keys."""
    looking = [(number, step.links[0], one) for number, step in numbered.items() for one in step.links[0].wanted
               if collection(one) == name]  # fmt: skip
    every = [(number, link) for number, link, one in looking if not _keyed(one)]
    keyed = defaultdict[str, list[tuple[int, Link]]](list)
    for number, link, one in looking:
        if _keyed(one):
            keyed[one.key.lower()].append((number, link))
    group = "headers" if name.startswith("REQUEST_HEADERS") else "line" if name in _LINE else "payload"
    return Looks(group, every), {key: Looks(group, [*every, *some]) for key, some in keyed.items()}


def _keyed(variable: Variable) -> bool:
    return bool(variable.key) and not variable.by_expression and variable.name != "XML"


def _supply(
    expressions: Iterable[Expressions], patterns: Sequence[Pattern], where: Path | None, fallback: bool
) -> set[int]:
    """Give them a database for each kind, with what is asked for there; the expressions that cannot be had."""
    kinds = defaultdict[str, list[Expressions]](list)
    for one in expressions:
        kinds[one.kind].append(one)
    refused = set[int]()
    for some in kinds.values():
        numbers = sorted({number for one in some for number in one.rules})
        database = Database([relaxed(patterns[n]) for n in numbers], where, fallback, "latin-1", numbers, slow=False)
        refused |= set(database.refused)
        for one in some:
            one.database = database
    return refused
