"""Networks as stretches of the number line: one search finds all that hold an address, whatever their lengths."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Networks(Generic[Value]):
    """Values of networks, each given once as (first address, addresses, value). Of two networks one holds the other, or
    they have nothing in common.

    >>> found = Networks([(0, 256, "wide"), (16, 16, "narrow")])
    >>> found.holding(17), found.holding(40), found.holding(300)
    (('narrow', 'wide'), ('wide',), ())
    """

    def __init__(self, networks: Iterable[tuple[int, int, Value]]) -> None:
        self._starts, self._values = [0], list[tuple[Value, ...]]([()])
        open_ends = list[int]()
        for first, size, value in sorted(networks, key=lambda one: (one[0], -one[1])):
            while open_ends and open_ends[-1] <= first:
                self._leave(open_ends)
            self._turn(first, (value, *self._values[-1]))
            open_ends.append(first + size)
        while open_ends:
            self._leave(open_ends)

    def holding(self, number: int) -> tuple[Value, ...]:
        """The values of the networks that hold an address, the narrowest first."""
        return self._values[bisect_right(self._starts, number) - 1]

    def _leave(self, open_ends: list[int]) -> None:
        self._turn(open_ends.pop(), self._values[-1][1:])

    def _turn(self, start: int, values: tuple[Value, ...]) -> None:
        """From here on these hold."""
        if self._starts[-1] == start:
            self._values[-1] = values
        else:
            self._starts.append(start)
            self._values.append(values)
