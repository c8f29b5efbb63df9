"""What one service normally does, and what it did in a request for the first time. Bounded; plain data, so it is kept
as it is (keep.py)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from collector.behaviour.names import Thing, Wider

CAPS = {"program": 256, "destination": 512, "name": 512, "path": 1024}
MAX_VERSIONS = 8
MAX_NOVEL = 256
FOUND = 16
"""Requests in which the same first-seen thing is a finding; later ones are only counted."""

MIN_REQUESTS = 100
MASS, MASS_SECONDS, MASS_REQUESTS = 24, 600, 8
"""So many first-seen destinations, names and paths in so many seconds and requests are no attack but a change."""

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
Text = Annotated[str, Meta(max_length=4096)]


class Version(Struct):
    """Learning one version of the service. Times in ns since the epoch; `learnt` is 0 as long as it goes on. `again`:
    it was begun anew after a mass of first-seen things, and programs are no longer learnt."""

    since: int
    requests: int = 0
    learnt: int = 0
    again: bool = False


class Known(Struct, array_like=True):
    """A name that is normal: the request that showed it first (until it is learnt), and the names above it."""

    request_id: Text = ""
    wider: tuple[Wider, ...] = ()

    def part(self, wide: str) -> str | None:
        """What tells it apart from others under this wider name; None where it does not stand under it."""
        return next((one.part for one in self.wider if one.name == wide), None)


class Novel(Struct):
    """Something first seen in a request after learning: when, how often, in which request last."""

    first: int
    last: int
    requests: int = 1
    request_id: Text = ""


class Profile(Struct):
    """`known`: by kind and name. `overflow`: things that found no room, by kind. `novel`: by "kind name"."""

    service: Text
    versions: dict[Text, Version] = {}
    known: dict[Text, dict[Text, Known]] = {}
    novel: dict[Text, Novel] = {}
    overflow: dict[Text, int] = {}

    def version(self, name: str, now: int) -> Version:
        """The state of this version; a new one is to be learnt. The longest unheard is forgotten."""
        found = self.versions.pop(name, None) or Version(now)
        self.versions[name] = found
        while len(self.versions) > MAX_VERSIONS:
            del self.versions[next(iter(self.versions))]
        return found

    def knows(self, thing: Thing) -> bool:
        names = self.known.get(thing.kind, {})
        return thing.name in names or any(wider.name in names for wider in thing.wider)

    def learn(self, thing: Thing, request_id: str) -> bool:
        """Take it in, as the widest name that it has earned; False where it finds no room."""
        names = self.known.setdefault(thing.kind, {})
        if len(names) >= CAPS[thing.kind]:
            self.overflow[thing.kind] = self.overflow.get(thing.kind, 0) + 1
            return False
        names[thing.name] = Known(request_id, thing.wider)
        for place, wider in enumerate(thing.wider):
            below = {name: part for name, one in names.items() if (part := one.part(wider.name)) is not None}
            if len(set(below.values())) > wider.limit:
                for name in below:
                    del names[name]
                names[wider.name] = Known("", thing.wider[place + 1 :])
        return True

    def too_varied(self, kind: str) -> bool:
        """Whether the service showed more of this kind than can be learnt: then new ones say nothing. Programs do."""
        return kind != "program" and bool(self.overflow.get(kind))

    def unlearn(self, request_id: str) -> int:
        """What only this request has shown is not normal; how many things that were."""
        count = 0
        for names in self.known.values():
            for name in [name for name, one in names.items() if one.request_id == request_id]:
                del names[name]
                count += 1
        return count

    def first_seen(self, thing: Thing, request_id: str, now: int) -> bool:
        """Note something that is not known; whether it is worth a finding."""
        key = f"{thing.kind} {thing.name}"
        novel = self.novel.get(key)
        if novel is None:
            if len(self.novel) >= MAX_NOVEL:
                del self.novel[min(self.novel, key=lambda name: self.novel[name].last)]
            self.novel[key] = Novel(now, now, 1, request_id)
            return True
        novel.last = now
        if novel.request_id != request_id:
            novel.request_id, novel.requests = request_id, novel.requests + 1
        return novel.requests <= FOUND

    def changed_much(self, now: int) -> bool:
        """Whether a mass of first-seen things says that the service has changed."""
        since = now - MASS_SECONDS * SECOND
        recent = [one for key, one in self.novel.items() if one.first >= since and not key.startswith("program ")]
        return len(recent) >= MASS and len({one.request_id for one in recent}) >= MASS_REQUESTS

    def accept(self) -> None:
        """Forget what was noted as first seen, programs excepted: it will be learnt."""
        self.novel = {key: one for key, one in self.novel.items() if key.startswith("program ")}

    def settle(self) -> None:
        """Learning is over: nothing is taken back any more."""
        for names in self.known.values():
            for one in names.values():
                one.request_id = ""
