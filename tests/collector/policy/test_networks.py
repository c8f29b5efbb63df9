"""Which networks hold an address."""

from __future__ import annotations

import random

from collector.policy.networks import Networks


def test_against_a_plain_search() -> None:
    """For 503 networks of a small space, full of nested and adjacent ones, every address finds those that hold it."""
    chance = random.Random(3)
    networks = set[tuple[int, int]]()
    while len(networks) < 503:
        bits = chance.randrange(12)
        networks.add((chance.randrange(4096 >> bits) << bits, 1 << bits))
    made = Networks((first, size, size) for first, size in networks)
    for number in range(4097):
        expected = sorted(size for first, size in networks if first <= number < first + size)
        assert made.holding(number) == tuple(expected)


def test_the_whole_space() -> None:
    """A network may be all there is, and there may be none."""
    assert Networks([(0, 1 << 128, "all")]).holding((1 << 128) - 1) == ("all",)
    assert Networks(()).holding(5) == ()
