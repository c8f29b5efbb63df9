"""What of a flood is kept: token buckets for all and for each source, and counters in place of what only repeats.

Confirmed attacks are always kept, those that reached an operation before mere attempts. Decided for each trace, not
for each report: a trace that was left out and is confirmed later is kept then, whole. No I/O but for `recall`.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from collector.correlate.settings import FloodSettings
from collector.model import AttackTrace, Finding, Verdict
from collector.policy.limits import counted

FATES, SOURCES, GROUPS = 20_000, 4096, 4096
"""How many ids, sources and repeated things are remembered; the oldest go first."""

TOLD_SOURCES = 16
MINUTE = 60.0
FLUSH = 5.0
"""Seconds between two writings of a trace whose counter grows."""

MAX_FLUSH = 64
ALWAYS = ("attack_wave",)
"""Categories that stand for many requests already."""

REFUSED = ("policy", "rate_limit")
"""The categories of who is listed or asks too often: whatever else is found in their requests, it is that again."""

KEPT = "kept"
K = TypeVar("K")
V = TypeVar("V")


class Bucket:
    """Tokens that come back with time."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._tokens, self._time = rate, burst, burst, now

    def level(self, now: float) -> float:
        self._tokens = min(self._burst, self._tokens + (now - self._time) * self._rate)
        self._time = now
        return self._tokens

    def spend(self) -> None:
        """After `level`; what is kept in any case may not make the others wait for ever."""
        self._tokens = max(0.0, self._tokens - 1.0)


class Source(Struct):
    bucket: Bucket
    dropped: int = 0


class Group(Struct):
    """What repeats: since when it is counted, how many were kept since, and the id of the last of these."""

    start: float
    kept: int = 0
    holder: str = ""


class Repeats(Struct):
    """How many are not kept for a trace that is; `saved` of them are written, since `time`."""

    count: int = 0
    last: int = 0
    saved: int = 0
    time: float = 0.0


class Floods:
    """`recall` gives a stored trace by id; `dropped` counts by reason: repeated, source_rate, rate."""

    def __init__(
        self,
        settings: FloodSettings | None = None,
        recall: Callable[[str], AttackTrace | None] = lambda request_id: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._recall, self._now = settings or FloodSettings(), recall, now
        self._all = Bucket(self._settings.traces_per_second, self._settings.burst, now())
        self._sources: OrderedDict[str, Source] = OrderedDict()
        self._groups: OrderedDict[tuple[str, ...], Group] = OrderedDict()
        self._repeats: OrderedDict[str, Repeats] = OrderedDict()
        self._grown: dict[str, None] = {}
        self._fates: OrderedDict[str, str] = OrderedDict()
        self.dropped: Counter[str] = Counter()

    def admit(self, trace: AttackTrace) -> AttackTrace | None:
        """The trace as it is to be kept, or None."""
        fate, now = self._fates.get(trace.id), self._now()
        if fate == KEPT:
            return self._counted(trace)
        if fate is not None and trace.verdict < Verdict.REACHED:
            return None
        source = self._source(trace, now)
        group, most = self._group(trace, now)
        reason = self._refusal(trace, source, group, most, now)
        if reason:
            self._leave_out(trace, source, group, reason, counted=fate is None)
            return None
        self._all.spend()
        source.bucket.spend()
        group.kept, group.holder = group.kept + 1, trace.id
        _remember(self._fates, trace.id, KEPT, FATES)
        return trace

    def due(self, everything: bool = False) -> list[AttackTrace]:
        """Traces whose counters are to be written now."""
        now = self._now()
        ready = [name for name in self._grown if everything or now - self._repeats[name].time >= FLUSH]
        return [trace for name in ready[:MAX_FLUSH] if (trace := self._written(name, now)) is not None]

    def fate(self, request_id: str) -> str | None:
        """Of a request whose trace was left out: the id of the trace that counts it, empty where none does; None of
        others, and of those from too long ago."""
        found = self._fates.get(request_id)
        return None if found == KEPT else found

    def totals(self) -> dict[str, int]:
        """What was left out: by reason, and of the sources of which most was."""
        totals = {f"dropped.floods.{reason}": count for reason, count in self.dropped.items()}
        return totals | {f"flood_sources.{name}": count for name, count in self.sources().items()}

    def sources(self) -> dict[str, int]:
        """The sources of which most was left out, of those that are remembered."""
        most = sorted(self._sources.items(), key=lambda item: item[1].dropped, reverse=True)[:TOLD_SOURCES]
        return {name: source.dropped for name, source in most if source.dropped}

    def _refusal(self, trace: AttackTrace, source: Source, group: Group, most: int, now: float) -> str:
        """Why a trace is left out; empty where it is kept."""
        everybody, own = self._all.level(now), source.bucket.level(now)
        if trace.verdict is Verdict.CONFIRMED or any(one.category in ALWAYS for one in trace.findings):
            return ""
        if trace.verdict is Verdict.REACHED:
            return "" if everybody >= 1 else "rate"
        if group.kept >= most:
            return "repeated"
        if own < 1:
            return "source_rate"
        return "" if everybody >= max(1, self._settings.burst // 4) else "rate"

    def _leave_out(self, trace: AttackTrace, source: Source, group: Group, reason: str, counted: bool) -> None:
        _remember(self._fates, trace.id, group.holder, FATES)
        if not counted:
            return
        self.dropped[reason] += 1
        source.dropped += 1
        if group.holder:
            repeats = self._repeats.get(group.holder) or Repeats(time=self._now())
            repeats.count, repeats.last = repeats.count + 1, trace.request.start_time
            gone = _remember(self._repeats, group.holder, repeats, GROUPS)
            self._grown[group.holder] = None
            if gone:
                self._grown.pop(gone, None)

    def _counted(self, trace: AttackTrace) -> AttackTrace:
        """With the number of those that it stands for."""
        repeats = self._repeats.get(trace.id)
        return replace(trace, repeats=repeats.count, last_repeat_time=repeats.last) if repeats else trace

    def _written(self, name: str, now: float) -> AttackTrace | None:
        del self._grown[name]
        repeats = self._repeats[name]
        repeats.saved, repeats.time = repeats.count, now
        trace = self._recall(name)
        return None if trace is None else self._counted(trace)

    def _source(self, trace: AttackTrace, now: float) -> Source:
        name = source_of(trace.request.client_address)
        found = self._sources.get(name)
        if found is None:
            found = Source(Bucket(self._settings.source_traces_per_second, self._settings.burst / 2, now))
        _remember(self._sources, name, found, SOURCES)
        return found

    def _group(self, trace: AttackTrace, now: float) -> tuple[Group, int]:
        """What the trace repeats, and how many of these are kept a minute."""
        request, refused = trace.request, [one for one in trace.findings if one.category in REFUSED]
        parts = _parts(refused or trace.findings)
        route = "" if refused else request.route or request.path
        key = (request.process.service, request.client_address, route, *parts)
        found = self._groups.get(key)
        if found is None or now - found.start >= MINUTE:
            found = Group(now)
        _remember(self._groups, key, found, GROUPS)
        return found, self._settings.refusals_in_full if refused else self._settings.repeats_in_full


def source_of(address: str) -> str:
    """Who is counted: an address, of IPv6 its /64, which is one host's mostly.

    >>> source_of("192.0.2.7"), source_of("2001:db8::7"), source_of("")
    ('192.0.2.7', '2001:db8::/64', 'unknown')
    """
    return counted(address) or address or "unknown"


def _parts(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"{one.rule_id} {one.parameter} {hash(one.value)}"


def _remember(table: OrderedDict[K, V], key: K, value: V, most: int) -> K | None:
    """As the latest; the key that had to go for it."""
    table[key] = value
    table.move_to_end(key)
    return table.popitem(last=False)[0] if len(table) > most else None
