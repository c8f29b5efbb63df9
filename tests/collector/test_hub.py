"""The hub: watchers get what they want, slow ones lose the oldest and are told how much."""

from __future__ import annotations

import asyncio

import pytest

from collector import hub
from collector.hub import Hub, TooManyWatchersError
from collector.model import AttackTrace, Verdict
from tests.collector.records import login, trace


def test_every_watcher_gets_its_own_copy_of_the_news() -> None:
    """Two watchers of traces and one of logins each get what they watch, in order."""

    async def run() -> None:
        news = Hub()
        with news.watch_traces() as one, news.watch_traces() as two, news.watch_logins() as three:
            news.publish([trace(1), trace(2)], [login(3)])
            assert [(await one.next()).id, (await one.next()).id] == [trace(1).id, trace(2).id]
            assert (await two.next()).id == trace(1).id
            assert (await three.next()).id == login(3).id

    asyncio.run(run())


def test_only_what_is_wanted() -> None:
    """A watcher's condition keeps the rest out of its queue."""

    async def run() -> None:
        news = Hub(room=1)
        with news.watch_traces(lambda one: one.verdict >= Verdict.REACHED) as watcher:
            news.publish([trace(1), trace(2, Verdict.REACHED), trace(3)], [])
            assert (await watcher.next()).id == trace(2).id
            assert watcher.missed == 0

    asyncio.run(run())


def test_a_slow_watcher_loses_the_oldest_and_is_told() -> None:
    """Above the queue's room the oldest records go; the number is exact, for the watcher and in total."""

    async def run() -> None:
        news = Hub(room=3)
        with news.watch_traces() as watcher:
            for number in range(10):
                news.publish([trace(number)], [])
            assert [(await watcher.next()).id for _ in range(3)] == [trace(n).id for n in (7, 8, 9)]
            assert watcher.missed == 7
        assert news.missed["traces"] == 7

    asyncio.run(run())


def test_waiting_ends_with_the_next_record() -> None:
    """A watcher that waits is woken by a publish, also after it had emptied its queue before."""

    async def run() -> None:
        news = Hub()
        with news.watch_traces() as watcher:
            for number in (1, 2):
                waiting: asyncio.Task[AttackTrace] = asyncio.create_task(watcher.next())
                await asyncio.sleep(0)
                assert not waiting.done()
                news.publish([trace(number)], [])
                assert (await asyncio.wait_for(waiting, 5)).id == trace(number).id

    asyncio.run(run())


def test_the_number_of_watchers_is_bounded_and_closing_makes_room() -> None:
    """No more than MAX_WATCHERS at a time; whoever leaves gets nothing more."""

    async def run() -> None:
        news = Hub()
        watchers = [news.watch_traces() for _ in range(hub.MAX_WATCHERS)]
        with pytest.raises(TooManyWatchersError):
            news.watch_logins()
        watchers[0].close()
        with news.watch_logins() as watcher:
            news.publish([trace(1)], [])
            assert news.watchers == hub.MAX_WATCHERS
            assert watcher.missed == 0
        assert watchers[0].offer([]) == 0
        waiting = asyncio.create_task(watchers[0].next())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(run())
