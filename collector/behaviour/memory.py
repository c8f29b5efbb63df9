"""What the watcher has looked at and need not look at again; bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence
from typing import TypeVar

from collector.behaviour.names import WRITING, Spot, Thing, spot
from probes.vocabulary import KernelEvent

MAX_QUIET = 16_384
AGAIN = ("dns", "rename", "link")
"""Kinds that are always looked at: they say more than one thing."""

WRITES = ("open", "rename", "delete", "chmod", "chown", "truncate")
Quiet = set[tuple[str, str, int] | Spot | None]
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


def is_known(event: KernelEvent, quiet: Quiet) -> bool:
    """Whether this is known, or writes a file of a sort that is written in its place as a matter of course."""
    kind, writing = event.kind, event.flags & WRITING
    if (kind, event.path or event.address, event.port or writing) in quiet:
        return True
    if kind not in WRITES or (kind == "open" and not writing):
        return False
    return spot(event.path) in quiet and (kind != "rename" or spot(event.target) in quiet)


def note_known(event: KernelEvent, shown: Sequence[Thing], names: Container[str], quiet: Quiet) -> None:
    """This event will need no second look; nor will the next file of the same sort in the same place, where that is
    known by more than its own of the `names` of paths."""
    if event.kind not in AGAIN:
        add(quiet, (event.kind, event.path or event.address, event.port or event.flags & WRITING))
    if event.kind == "link" or not shown or shown[0].kind != "path":
        return
    for path, thing in zip(filter(None, (event.path, event.target)), shown, strict=False):
        where = spot(path)
        if where is not None and (where[1][0] == "#" or thing.name not in names):
            add(quiet, where)


def add(memory: set[T], one: T) -> None:
    """Keep it; a full memory begins anew."""
    if len(memory) >= MAX_QUIET:
        memory.clear()
    memory.add(one)


def remember(memory: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    """Keep it as the newest; the oldest go first."""
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > limit:
        memory.popitem(last=False)
