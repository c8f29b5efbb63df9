"""The inspector's end of the socket pair to the core: evidence out, registrations and confirmations in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import msgspec
from msgspec import Struct

from collector.core import link
from collector.inspector.counters import Counters
from collector.wire import frames
from collector.wire.frames import Splitter

PART = 1 << 20
"""Bytes of reports that go into one frame, about; the next one starts after it."""

HIGH_WATER = 4 << 20
"""Bytes waiting for the core before judging pauses."""


class RawEvidence(Struct, frozen=True, omit_defaults=True):
    """link.Evidence with its parts already encoded."""

    reports: list[msgspec.Raw] = []
    logins: list[msgspec.Raw] = []
    clean: list[str] = []
    kin: list[msgspec.Raw] = []


class CoreLink(asyncio.Protocol):
    """Frames to and from the core. `on_lost` is called when the core is gone."""

    def __init__(self, counters: Counters, on_lost: Callable[[], None]) -> None:
        self._counters, self._on_lost = counters, on_lost
        self._splitter = Splitter(link.MAX_BODY)
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, Callable[[bytes], None]] = {}
        self._sequence = 0
        self.has_room = True
        self.on_room: Callable[[], None] = lambda: None
        self.on_witnessed: Callable[[link.Witnessed], None] = lambda news: None
        self.on_wanted: Callable[[link.Wanted], None] = lambda wanted: None
        self.on_convicted: Callable[[link.Convicted], None] = lambda news: None
        self.on_policy: Callable[[link.NewPolicy], None] = lambda news: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        for head, body in self._splitter.feed(data):
            if head.kind == link.WITNESSED:
                self.on_witnessed(link.decode_witnessed(body))
            elif head.kind == link.WANTED:
                self.on_wanted(link.decode_wanted(body))
            elif head.kind == link.CONVICTED:
                self.on_convicted(link.decode_convicted(body))
            elif head.kind == link.POLICY:
                self.on_policy(link.decode_policy(body))
            elif (waiting := self._waiting.pop(head.sequence, None)) is not None:
                waiting(body)

    def pause_writing(self) -> None:
        self.has_room = False

    def resume_writing(self) -> None:
        self.has_room = True
        self.on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def tell(self, kind: int, body: object) -> None:
        """Send without an answer."""
        self._write(kind, 0, body)

    def opened(self, message: link.Opened, answered: Callable[[bool], None]) -> None:
        """Tell of a new agent; `answered` gets whether the kernel side watches it."""
        self._ask(link.OPENED, message, lambda body: answered(link.decode_registered(body).witnessed))

    def evidence(self, evidence: link.Evidence, stored: Callable[[], None]) -> None:
        """Send what a batch came to; `stored` is called when all of it is committed (at once where nothing is)."""
        parts = list(self._parts(evidence))
        left = sum(1 for part in parts if part.reports or part.logins)
        if not left:
            stored()

        def one(_: bytes) -> None:
            nonlocal left
            left -= 1
            if not left:
                stored()

        for part in parts:
            if part.reports or part.logins:
                self._ask(link.EVIDENCE, part, one)
            else:
                self.tell(link.EVIDENCE, part)

    def _parts(self, evidence: link.Evidence) -> Iterator[RawEvidence]:
        reports = list(self._encoded(evidence.reports))
        logins = list(self._encoded(evidence.logins))
        for group in _grouped(logins):
            yield RawEvidence(logins=group)
        for group in _grouped(reports):
            yield RawEvidence(reports=group)
        if evidence.clean:
            yield RawEvidence(clean=list(evidence.clean))
        for group in _grouped(list(self._encoded(evidence.kin))):
            yield RawEvidence(kin=group)

    def _encoded(self, values: Iterable[object]) -> Iterator[msgspec.Raw]:
        for value in values:
            data = msgspec.json.encode(value)
            if len(data) < link.MAX_BODY - 1024:
                yield msgspec.Raw(data)
            else:
                self._counters.add("evidence_dropped", "too_large")

    def _ask(self, kind: int, body: object, answered: Callable[[bytes], None]) -> None:
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        self._waiting[self._sequence] = answered
        self._write(kind, self._sequence, body)

    def _write(self, kind: int, sequence: int, body: object) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.encode(kind, sequence, body))


def _grouped(values: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    group: list[msgspec.Raw] = []
    size = 0
    for value in values:
        length = len(memoryview(value))
        if group and size + length > PART:
            yield group
            group, size = [], 0
        group.append(value)
        size += length
    if group:
        yield group
