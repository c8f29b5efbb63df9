"""The different texts that chains of transformations make of a value, as far as their difference may matter to an
expression that does not look at capital letters.

Which characters a text holds says which transformations change nothing of it; what remains of the chains is worked out
once for each such set of characters, and chains that begin alike go their way together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from msgspec import Struct

from collector.detect.seclang.transformations import FUNCTIONS

Chain = tuple[str, ...]
Marks = frozenset[int]
Key = TypeVar("Key")

MAX_TURNS = 512
MANY = 64
_HIGH, _SPACE, _CAPITAL = 0x80, 9, ord("A")
_BLANKS, _SLASHES, _BEFORE = 256, 257, 258
_BLANK_MARKS = {(True, True): frozenset((32, _BLANKS, _BEFORE)), (True, False): frozenset((32, _BLANKS)),
                (False, True): frozenset((32, _BEFORE)), (False, False): frozenset((32,))}  # fmt: skip
_WHITE = [code for code in range(256) if chr(code).isspace() and code != 32]
_NEEDS: dict[str, tuple[int, ...]] = {
    "urldecode": (*b"%+",), "urldecodeuni": (*b"%+",), "htmlentitydecode": (*b"&",), "jsdecode": (*b"\\",),
    "cssdecode": (*b"\\",), "escapeseqdecode": (*b"\\",), "removenulls": (0,), "replacenulls": (0,),
    "removewhitespace": (*b" \t\xa0",), "compresswhitespace": (*b"\t\xa0", _BLANKS), "replacecomments": (*b"*",),
    "removecomments": (*b"*",), "removecommentschar": (*b"*-#",), "normalizepath": (*b".", _SLASHES),
    "normalisepath": (*b".", _SLASHES), "normalizepathwin": (*b".\\", _SLASHES),
    "normalisepathwin": (*b".\\", _SLASHES), "cmdline": (*b"\\\"'^,;\t\xa0\x80", _BLANKS, _BEFORE),
    "utf8tounicode": (*b"\x80\xa0",), "trim": (*b" \t\xa0",), "trimleft": (*b" \t\xa0",),
    "trimright": (*b" \t\xa0",),
}  # fmt: skip
"""Of which characters, or pairs of such, a transformation needs at least one to change more than capital letters."""

_BLIND = frozenset((*_NEEDS, "lowercase", "uppercase")) - {
    "urldecodeuni", "htmlentitydecode", "jsdecode", "cssdecode", "escapeseqdecode"
}  # fmt: skip
"""Transformations for which it makes no difference whether letters were capital."""

_SPECIAL = bytes(
    sorted({code for codes in _NEEDS.values() for code in codes if code < 256}
           - {32} | {*b"/", *_WHITE, *range(128, 256), *range(65, 91)})
)  # fmt: skip
_ORDINARY = bytes(code for code in range(256) if code not in _SPECIAL)


def _kind(code: int) -> int:
    if code in (0x85, 0xA0):
        return 0xA0
    return _HIGH if code >= 128 else _SPACE if code in _WHITE else _CAPITAL if 65 <= code <= 90 else code


_KINDS = bytes(_kind(code) for code in range(256))
_ALL = frozenset(_KINDS[code] for code in _SPECIAL)
_MEANING = {name: frozenset(codes) for name, codes in _NEEDS.items()}


def marks(text: str) -> Marks:
    """What a text holds that transformations may look for."""
    data = text.encode("latin-1", "replace").translate(_KINDS, _ORDINARY)
    found = frozenset(data) if len(data) < MANY else frozenset([code for code in _ALL if code in data])
    if " " in text:
        found |= _blanks(text)
    return found | {_SLASHES} if 47 in found and "//" in text else found


def _blanks(text: str) -> Marks:
    before = " /" in text or " (" in text
    return _BLANK_MARKS["  " in text, before]


class _Turn(Struct, frozen=True):
    """What to do with a text: whether it is one of those sought, which functions lead to others, and which of these
    have to be looked at again."""

    ends: bool
    last: tuple[Callable[[str], str], ...]
    ways: tuple[tuple[Callable[[str], str], frozenset[Chain]], ...]
    alone: bool


class Chains:
    """Some chains, and what there is to do for texts that hold this and that."""

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._chains = frozenset(chains)
        self._matters = frozenset((_CAPITAL,)).union(
            *[_MEANING.get(name, ()) for chain in self._chains for name in chain]
        )
        self._first: dict[Marks, _Turn] = {}
        self._turns: dict[tuple[frozenset[Chain], Marks], _Turn] = {}

    def texts(self, value: str, present: Marks) -> Collection[str]:
        """All that these chains make of a value with these marks; texts that differ in capital letters alone may be
        missing."""
        present = present & self._matters
        turn = self._first.get(present)
        if turn is None:
            turn = _remembered(self._first, present, _turn(self._chains, present))
        if turn.alone:
            return (value,)
        found = set[str]()
        self._take(turn, value, found)
        return found

    def _take(self, turn: _Turn, text: str, found: set[str]) -> None:
        if turn.ends:
            found.add(text)
        for function in turn.last:
            found.add(function(text))
        for function, rest in turn.ways:
            self._follow(function(text), rest, found)

    def _follow(self, text: str, chains: frozenset[Chain], found: set[str]) -> None:
        key = (chains, marks(text) & self._matters)
        turn = self._turns.get(key)
        if turn is None:
            turn = _remembered(self._turns, key, _turn(*key))
        self._take(turn, text, found)


def _remembered(turns: dict[Key, _Turn], key: Key, turn: _Turn) -> _Turn:
    if len(turns) >= MAX_TURNS:
        turns.clear()
    turns[key] = turn
    return turn


def _turn(chains: frozenset[Chain], present: Marks) -> _Turn:
    left = {_rest(chain, present) for chain in chains}
    ways: dict[str, set[Chain]] = {}
    for chain in left:
        if chain:
            ways.setdefault(chain[0], set()).add(chain[1:])
    last = tuple(FUNCTIONS[name] for name, rest in ways.items() if rest == {()})
    more = tuple((FUNCTIONS[name], frozenset(rest)) for name, rest in ways.items() if rest != {()})
    return _Turn(() in left, last, more, left == {()})


def _rest(chain: Chain, present: Marks) -> Chain:
    """A chain without the transformations at its beginning that change nothing."""
    while chain and _idle(chain[0], chain[1:], present):
        chain = chain[1:]
    return chain


def _idle(name: str, after: Chain, present: Marks) -> bool:
    """Whether a transformation changes nothing of such a text, or capital letters that nothing after it looks at."""
    lettered = name in ("lowercase", "uppercase", "cmdline")
    if lettered and (_CAPITAL in present or name == "uppercase") and not _blind(after, present):
        return False
    return name in ("lowercase", "uppercase") or _needless(name, present)


def _blind(chain: Chain, present: Marks) -> bool:
    """Whether no transformation of a chain looks at capital letters, those at its beginning aside that change nothing
    else."""
    while chain and (chain[0] in ("lowercase", "uppercase") or _needless(chain[0], present)):
        chain = chain[1:]
    return _BLIND.issuperset(chain)


def _needless(name: str, present: Marks) -> bool:
    return name in _MEANING and present.isdisjoint(_MEANING[name])
