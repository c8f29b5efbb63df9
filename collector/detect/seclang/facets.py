"""Rules that look at nothing but a few short values, such as a header: what comes of them is remembered by these.

A facet is what a variable stands for in a request: the values of a header, a method, how many there are of something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from collector.detect.seclang import effects, step
from collector.detect.seclang.effects import Effects
from collector.detect.seclang.link import Environment, Find, State
from collector.detect.seclang.link import values as values_of
from collector.detect.seclang.step import Step
from collector.detect.seclang.syntax import Variable
from collector.detect.seclang.transaction import Pairs

MAX_REMEMBERED = 1024
MAX_SIZE = 1024
"""Characters of the values for which an answer is remembered."""

_PLAIN = frozenset(
    ("REQUEST_METHOD", "REQUEST_PROTOCOL", "REMOTE_ADDR", "REQBODY_PROCESSOR", "REQBODY_ERROR",
     "MULTIPART_STRICT_ERROR", "MULTIPART_UNMATCHED_BOUNDARY", "REQUEST_HEADERS_NAMES")
)  # fmt: skip

_VARYING = frozenset(("content-length", "cookie", "referer", "range", "if-modified-since", "if-none-match"))

Facets = tuple[Variable, ...]
Value = Callable[[Mapping[str, Pairs], Mapping[str, Pairs]], object]
"""Gets a facet out of the collections, and the headers by name."""


class Group:
    """Steps that look at the same facets, by their places. `whole`: with all their links, else with the first alone."""

    def __init__(self, places: tuple[int, ...], whole: bool, steps: Mapping[int, Step], environment: Environment,
                 known: Mapping[int, Effects], find: Find) -> None:  # fmt: skip
        self._find = find
        self._places, self._whole, self.steps, self._environment = places, whole, steps, environment
        self._effects = known
        self._known: dict[tuple[object, ...], frozenset[int]] = {}

    def candidates(self, values: tuple[object, ...], collections: Mapping[str, Pairs]) -> frozenset[int]:
        """The steps that would fire, or may, for these values of all facets."""
        mine = tuple([values[place] for place in self._places])
        known = self._known.get(mine)
        if known is None:
            known = self._asked(collections)
            _keep(self._known, mine, known)
        return known

    def within(self, count: int) -> bool:
        """Whether all are among so many facets from the beginning."""
        return all(place < count for place in self._places)

    def _asked(self, collections: Mapping[str, Pairs]) -> frozenset[int]:
        return frozenset(number for number, one in self.steps.items() if self._matters(number, one, collections))

    def _matters(self, number: int, one: Step, collections: Mapping[str, Pairs]) -> bool:
        """Whether a step fires, or leaves something for others before it is found that it does not."""
        state = State(collections, dict(self._environment))
        if not self._whole:
            return bool(one.links[0].matches(state, self._find if one.links[0].numbers else None))
        if step.run(one, state, self._find):
            return True
        base = self._environment
        written = [name for name, text in state.tx.items() if not name.isdigit() and base.get(name) != text]
        return any(other.touched_by(written) for n, other in self._effects.items() if n != number)


class Grouped:
    """The steps whose outcome, or whether they may fire, their facets decide. What comes of all facets that mostly come
    again is remembered together, of the others group by group."""

    def __init__(self, steps: Mapping[int, Step], environment: Environment, find: Find) -> None:
        known = {number: effects.effects(one) for number, one in steps.items()}
        found = defaultdict[tuple[Facets, bool], dict[int, Step]](dict)
        for number, one in steps.items():
            others = [name for n, other in known.items() if n != number for name in other.writes]
            for whole in (True, False):
                facets = _facets(one, whole)
                if facets is not None and _alone(one, whole, others):
                    found[facets, whole][number] = one
                    break
        self._facets = sorted({one for facets, _ in found for one in facets}, key=_varies)
        self._steady = sum(not _varies(one) for one in self._facets)
        self._values = [_value(one) for one in self._facets]
        groups = [
            Group(tuple(map(self._facets.index, facets)), whole, some, environment, known, find)
            for (facets, whole), some in found.items()
        ]
        self._often = [one for one in groups if one.within(self._steady)]
        self._apart = [one for one in groups if not one.within(self._steady)]
        self._known: dict[tuple[object, ...], frozenset[int]] = {}
        self.steps = frozenset(number for some in found.values() for number in some)

    def candidates(self, collections: Mapping[str, Pairs], headers: Mapping[str, Pairs]) -> frozenset[int]:
        """Those that would fire, or may."""
        values = tuple([value(collections, headers) for value in self._values])
        steady = values[: self._steady]
        found = self._known.get(steady)
        if found is None:
            found = frozenset().union(*[group.candidates(values, collections) for group in self._often])
            _keep(self._known, steady, found)
        more = [some for group in self._apart if (some := group.candidates(values, collections))]
        return found.union(*more) if more else found


def _keep(known: dict[tuple[object, ...], frozenset[int]], values: tuple[object, ...], steps: frozenset[int]) -> None:
    """Remember what came of values that are not too long."""
    if sum(len(str(value)) for value in values) <= MAX_SIZE:
        if len(known) >= MAX_REMEMBERED:
            known.clear()
        known[values] = steps


def _varies(variable: Variable) -> bool:
    """Whether a facet is mostly another one at the next request."""
    return (
        variable.name == "REMOTE_ADDR"
        or variable.name.startswith("ARGS")
        or (variable.name == "REQUEST_HEADERS" and variable.key.lower() in _VARYING and not variable.count)
    )


def _alone(one: Step, whole: bool, others: list[str]) -> bool:
    """Whether a step reads nothing that others write."""
    mine = effects.effects(one, None if whole else 1)
    known = {"tx", "matched_var", "matched_var_name", "rule"} if whole else {"tx"}
    if not mine.macros <= known or any(name.isdigit() and name != "0" for name in mine.names):
        return False
    return not mine.touched_by(others)


def _facets(one: Step, whole: bool) -> Facets | None:
    """What a step, or its first link, looks at besides its variables; None where it looks at more."""
    found: dict[Variable, None] = {}
    for link in one.links if whole else one.links[:1]:
        for variable in link.wanted:
            if variable.name == "TX" or (whole and variable.name.startswith("MATCHED_VAR")):
                continue
            if not (variable.count or variable.name in _PLAIN or _one_header(variable)):
                return None
            found[variable] = None
    return tuple(sorted(found, key=str))


def _one_header(variable: Variable) -> bool:
    return variable.name == "REQUEST_HEADERS" and bool(variable.key) and not variable.by_expression


def _value(variable: Variable) -> Value:
    """How to get a facet."""
    name, key, count = variable.name, variable.key.lower(), variable.count
    if name == "REQUEST_HEADERS" and not variable.by_expression and key:
        if count:
            return lambda _, headers: len(headers.get(key, ()))
        return lambda _, headers: tuple(headers.get(key, ()))
    if count:
        return lambda collections, _: len(values_of(variable, collections))
    if not key:
        return lambda collections, _: tuple(collections.get(name, ()))
    return lambda collections, _: tuple(values_of(variable, collections))
