"""What the rules do with the values of one collection, or of one key of it: which of them may fire for a value.

A value is transformed as the rules ask, and all texts that come of it are scanned in one go, with expressions that find
rather too much. libinjection is asked at once. What came of short values is remembered: most of what a request holds
has come before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from collector.detect.match.database import Database
from collector.detect.seclang import operators
from collector.detect.seclang.chains import Chains, Marks, marks
from collector.detect.seclang.joined import joined
from collector.detect.seclang.link import Link
from collector.detect.seclang.transformations import CHANGES_PLAIN

MAX_REMEMBERED = 512
"""Values of which is remembered which rules may fire; then it begins anew."""

MAX_REMEMBERED_TEXT = 256
"""Characters of such a value."""

Rules = frozenset[int]
Asking = Sequence[tuple[int, Link]]
_NONE: Rules = frozenset()


class Expressions:
    """Rules by their expressions. `kind`: which database has them, set later; those that decode a text to another one
    have one of their own, as what comes of most texts looks like anything."""

    def __init__(self, group: str, decoding: bool, asking: Asking) -> None:
        self.kind = group + " decoded" if decoding else group
        self._chains = Chains(chain for _, link in asking for chain in link.chains)
        rules = defaultdict[int, set[int]](set)
        for number, link in asking:
            for one in link.numbers:
                rules[one].add(number)
        self.rules = {number: frozenset(some) for number, some in rules.items()}
        self.database: Database

    def find(self, value: str, present: Marks) -> Rules:
        """The rules that may fire for a value that holds this and that."""
        texts = self._chains.texts(value, present)
        numbers = self.database.find(value if type(texts) is tuple else joined(texts))
        return frozenset().union(*[self.rules[one] for one in numbers if one in self.rules]) if numbers else _NONE


class Detector:
    """Rules that ask a detector."""

    def __init__(self, name: str, asking: Asking) -> None:
        self._rules = frozenset(number for number, _ in asking)
        self._chains = Chains(chain for _, link in asking for chain in link.chains)
        self._detects = operators.DETECTORS[name]

    def find(self, value: str, present: Marks) -> Rules:
        """The rules that fire for a value."""
        return self._rules if any(map(self._detects, self._chains.texts(value, present))) else _NONE


class Looks:
    """`known`: the rules that may fire for a value, as far as they are remembered."""

    __slots__ = ("_parts", "expressions", "known")

    def __init__(self, group: str, asking: Asking) -> None:
        self.known: dict[str, Rules] = {}
        found = defaultdict[tuple[str, bool], list[tuple[int, Link]]](list)
        for number, link in asking:
            found[link.detector, not link.detector and _decodes(link)].append((number, link))
        self.expressions = [Expressions(group, kind, some) for (name, kind), some in found.items() if not name]
        detectors = [Detector(name, some) for (name, _), some in found.items() if name]
        self._parts: tuple[Expressions | Detector, ...] = (*self.expressions, *detectors)

    def look(self, value: str) -> Rules:
        """The rules that may fire for a value."""
        present = marks(value)
        rules = _NONE
        for part in self._parts:
            if found := part.find(value, present):
                rules |= found
        if len(value) <= MAX_REMEMBERED_TEXT:
            if len(self.known) >= MAX_REMEMBERED:
                self.known.clear()
            self.known[value] = rules
        return rules


def _decodes(link: Link) -> bool:
    return any(name in CHANGES_PLAIN for chain in link.chains for name in chain)
