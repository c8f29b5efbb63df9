"""The different texts that chains of transformations make of a value, as far as their difference may matter to an
expression that does not look at capital letters.

Which characters a text holds says which transformations change nothing of it; what remains of the chains is worked out
once for each such set of characters, and chains that begin alike go their way together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from collector.detect.seclang.transformations import FUNCTIONS

Chain = tuple[str, ...]
Marks = frozenset[int]
Key = TypeVar("Key")

MAX_TURNS = 512
MANY = 64
_DOUBLE, _HIGH, _SPACE, _CAPITAL = 256, 0x80, 9, ord("A")
_WHITE = [code for code in range(256) if chr(code).isspace() and code != 32]
_NEEDS: dict[str, bytes] = {
    "urldecode": b"%+", "urldecodeuni": b"%+", "htmlentitydecode": b"&", "jsdecode": b"\\", "cssdecode": b"\\",
    "escapeseqdecode": b"\\", "removenulls": b"\0", "replacenulls": b"\0", "removewhitespace": b" \t\xa0",
    "compresswhitespace": b"\t\xa0", "replacecomments": b"*", "removecomments": b"*", "removecommentschar": b"*-#",
    "normalizepath": b"./", "normalisepath": b"./", "normalizepathwin": b"./\\", "normalisepathwin": b"./\\",
    "cmdline": b"\\\"'^,;/(\t\xa0\x80", "utf8tounicode": b"\x80\xa0", "trim": b" \t\xa0", "trimleft": b" \t\xa0",
    "trimright": b" \t\xa0",
}  # fmt: skip
"""Of which characters a transformation needs at least one to change more than capital letters."""

_BLIND = frozenset((*_NEEDS, "lowercase", "uppercase")) - {
    "urldecodeuni", "htmlentitydecode", "jsdecode", "cssdecode", "escapeseqdecode"
}  # fmt: skip
"""Transformations for which it makes no difference whether letters were capital."""

_SPECIAL = bytes(sorted({*b"".join(_NEEDS.values()), *_WHITE, *range(128, 256), *range(65, 91)}))
_ORDINARY = bytes(code for code in range(256) if code not in _SPECIAL)


def _kind(code: int) -> int:
    if code in (0x85, 0xA0):
        return 0xA0
    return _HIGH if code >= 128 else _SPACE if code in _WHITE else _CAPITAL if 65 <= code <= 90 else code


_KINDS = bytes(_kind(code) for code in range(256))
_ALL = frozenset(_KINDS[code] for code in _SPECIAL)
_MEANING = {name: frozenset(codes) | ({_DOUBLE} if 9 in codes else set()) for name, codes in _NEEDS.items()}


def marks(text: str) -> Marks:
    """What a text holds that transformations may look for."""
    data = text.encode("latin-1", "replace").translate(_KINDS, _ORDINARY)
    found = frozenset(data) if len(data) < MANY else frozenset(code for code in _ALL if code in data)
    return found | {_DOUBLE} if 32 in found and "  " in text else found


class _Turn(Struct, frozen=True):
    """What to do with a text: whether it is one of those sought, which functions lead to others, and which of these
    have to be looked at again."""

    ends: bool
    last: tuple[Callable[[str], str], ...]
    ways: tuple[tuple[Callable[[str], str], frozenset[Chain]], ...]


class Chains:
    """Some chains, and what there is to do for texts that hold this and that."""

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._chains = frozenset(chains)
        self._first: dict[Marks, _Turn] = {}
        self._turns: dict[tuple[frozenset[Chain], Marks], _Turn] = {}

    def texts(self, value: str) -> set[str]:
        """All that these chains make of a value; texts that differ in capital letters alone may be missing."""
        found = set[str]()
        present = marks(value)
        turn = self._first.get(present)
        if turn is None:
            turn = _remembered(self._first, present, _turn(self._chains, present))
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
        key = (chains, marks(text))
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
    return _Turn(
        () in left, last, tuple((FUNCTIONS[name], frozenset(rest)) for name, rest in ways.items() if rest != {()})
    )


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
