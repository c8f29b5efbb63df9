"""What waits for a core that does not read: bounded, and what is worth least is given up first."""

from __future__ import annotations

import socket

from probes import outbox
from probes.outbox import Outbox
from probes.vocabulary import KernelEvent


def event(kind: str, attribution: str = "exact") -> KernelEvent:
    return KernelEvent(kind, 1, 1, 1, attribution, path="x" * 200)  # type: ignore[arg-type]


def test_shed_by_worth() -> None:
    """Opens stop at half of the room, connects at nine tenths, executions and sensitive files at its end; each that is
    given up is counted by its kind, and control frames always find room."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        box, fill = Outbox(ours), {}
        for kinds in (("open", "turn"), ("connect", "accept"), ("exec", "decision")):
            batch = [event(kind) for kind in kinds] * 500
            while box.lost[kinds[0]] == 0:
                box.put_events(batch)
            fill[kinds[0]] = round(box.size / outbox.LIMIT, 1)
            assert box.lost[kinds[0]] == box.lost[kinds[1]] == 500
        assert fill == {"open": 0.5, "connect": 0.9, "exec": 1.0}
        before = box.size
        box.put_events([event("open", "none")])
        box.put(1, 0, {})
        assert (box.dropped, box.lost["open"], box.size > before) == (3001, 501, True)
