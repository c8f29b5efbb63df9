"""What a round of the pipeline changed, and its way into the store: again and again until it is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from collector.model import AttackTrace, LoginEvent

RETRY = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts; the last one counts for all further ones."""

log = structlog.get_logger()


class Store(Protocol):
    """The part of store.base.Store that is needed here."""

    def save(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None: ...


class Changes:
    """The traces and logins that a round changed, each in its last state; `event_times` are those of the kernel events
    that changed them (ns since the epoch)."""

    def __init__(self) -> None:
        self.traces: dict[str, AttackTrace] = {}
        self.logins: dict[str, LoginEvent] = {}
        self.event_times: list[int] = []

    def trace(self, trace: AttackTrace | None) -> None:
        if trace is not None:
            self.traces[trace.id] = trace

    def login(self, login: LoginEvent | None) -> None:
        if login is not None:
            self.logins[login.id] = login

    def __bool__(self) -> bool:
        return bool(self.traces or self.logins)


class Saver:
    """Commits changes in a thread of its own. `dropped` are totals by (stage, reason), `handled` by kind; both are
    counted into. After `stopping` a store that fails is not waited for long."""

    def __init__(self, store: Store, dropped: Counter[tuple[str, str]], handled: Counter[str]) -> None:
        self._store, self._dropped, self._handled = store, dropped, handled
        self._executor = ThreadPoolExecutor(1, "store")
        self.stopping = False

    def close(self) -> None:
        """Wait for the save that is under way."""
        self._executor.shutdown()

    async def save(self, changes: Changes) -> bool:
        """Commit; False when we were stopped before that worked."""
        traces, logins = list(changes.traces.values()), list(changes.logins.values())
        attempt = 0
        while True:
            try:
                await self._commit(traces, logins)
            except (ValueError, TypeError):
                log.exception("a record cannot be stored; trying one by one")
                return await self._save_singly(traces, logins)
            except Exception as error:
                log.error("the store failed; trying again", error=str(error)[:200], attempt=attempt)
                if self.stopping and attempt >= 2:
                    self._dropped["store", "failed_at_stop"] += len(traces) + len(logins)
                    return False
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                attempt += 1
            else:
                self._handled["traces_stored"] += len(traces)
                self._handled["logins_stored"] += len(logins)
                return True

    async def _save_singly(self, traces: list[AttackTrace], logins: list[LoginEvent]) -> bool:
        """Store what can be; what no store can take (never by a fault of the store) is dropped and counted."""
        calls: list[tuple[list[AttackTrace], list[LoginEvent]]] = [([trace], []) for trace in traces]
        calls += [([], [login]) for login in logins]
        for call in calls:
            try:
                await self._commit(*call)
            except Exception:
                self._dropped["store", "rejected"] += 1
                log.exception("a record was rejected by the store")
        return True

    async def _commit(self, traces: list[AttackTrace], logins: list[LoginEvent]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._store.save, traces, logins)
