"""The word on what was dropped: complete, and not more than one a minute."""

from __future__ import annotations

from collector.core.losses import QUIET, Losses


def test_one_word_a_minute() -> None:
    """Every loss is in one word, none in two; what no operator can change, and what is no loss, in none."""
    now = [1000.0]
    losses = Losses(lambda: now[0])
    assert losses.look({"lost_events.open": 0, "handled.reports": 5}) == {}
    lost = {"lost_events.open": 3, "dropped.probes.ring_full": 3}
    assert losses.look({**lost, "dropped.probes.unreadable": 9, "dropped.correlate.late": 1}) == lost
    for step in range(1, int(QUIET)):
        now[0] = 1000.0 + step
        assert losses.look({"lost_events.open": 3 + step}) == {}
    now[0] = 1000.0 + QUIET
    assert losses.look({"lost_events.open": 100}) == {"lost_events.open": 97}
    now[0] += QUIET
    assert losses.look({"lost_events.open": 100}) == {}
    assert losses.look({"lost_events.open": 7}) == {}, "the probes began anew"
    assert losses.look({"lost_events.open": 8}) == {"lost_events.open": 1}
