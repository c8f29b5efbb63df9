"""A store that fails is asked again; a record that no store takes costs itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from collector.core.saving import Changes, Saver
from collector.model import Action, AttackTrace, LoginEvent, Request, Verdict


class Store:
    """Keeps the ids of what is saved; fails with `problems` first."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.traces: list[str] = []

    def save(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        if self.problems:
            raise self.problems.pop(0)
        self.traces += [trace.id for trace in traces]


def saved(store: Store, stopping: bool = False) -> tuple[bool, Counter[tuple[str, str]], Counter[str]]:
    """What came of saving two traces, what was dropped and what was handled."""
    changes, dropped, handled = Changes(), Counter[tuple[str, str]](), Counter[str]()
    for name in ("1" * 16, "2" * 16):
        changes.trace(AttackTrace(name, Verdict.REACHED, Action.MONITORED, Request(name)))
    saver = Saver(store, dropped, handled)
    saver.stopping = stopping
    result = asyncio.run(saver.save(changes))
    saver.close()
    return result, dropped, handled


def test_a_failing_store_is_asked_again() -> None:
    """When it works again all is stored, and nothing was dropped."""
    store = Store(OSError("disk is full"))
    assert saved(store) == (True, {}, {"traces_stored": 2, "logins_stored": 0})
    assert store.traces == ["1" * 16, "2" * 16]


def test_a_rejected_record() -> None:
    """A record that no store can take is dropped and counted, its neighbours are stored."""
    store = Store(ValueError("surrogates"), ValueError("surrogates"))
    assert saved(store)[:2] == (True, {("store", "rejected"): 1})
    assert store.traces == ["2" * 16]


def test_the_end_does_not_wait_for_a_store() -> None:
    """Where we are stopping a store that goes on failing is given up, and what is lost is counted."""
    store = Store(*[OSError("disk is full")] * 10)
    assert saved(store, stopping=True) == (False, {("store", "failed_at_stop"): 2}, {})
