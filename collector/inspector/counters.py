"""Totals of one inspector: counters by name and label, and two histograms of time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from collector.core.link import Stats

BOUNDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0)
"""Upper bounds in seconds; a last bucket without a bound follows."""

MAX_LABELS = 64
"""Labels of one counter; agents name some of them (drop reasons), so there is an end to it."""


class Histogram:
    """Counts of durations by upper bound, and their sum in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    def snapshot(self) -> list[float]:
        """Counts by bucket (not cumulative), then the sum."""
        return [*self._counts, self._sum]


class Counters:
    """`add("hostile", "too_large")`; read with `stats`."""

    def __init__(self) -> None:
        self._totals: dict[str, dict[str, int]] = defaultdict(dict)
        self.verdicts = Histogram()
        self.judgements = Histogram()

    def add(self, name: str, label: str = "", count: int = 1) -> None:
        labels = self._totals[name]
        if label not in labels and len(labels) >= MAX_LABELS:
            label = "other"
        labels[label] = labels.get(label, 0) + count

    def total(self, name: str, label: str = "") -> int:
        return self._totals.get(name, {}).get(label, 0)

    def stats(self, connections: int, memory_bytes: int) -> Stats:
        histograms = {"verdict": self.verdicts.snapshot(), "judgement": self.judgements.snapshot()}
        totals = {name: dict(labels) for name, labels in self._totals.items()}
        return Stats(totals, connections, memory_bytes, histograms)
