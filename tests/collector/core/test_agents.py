"""The registry of agents."""

from __future__ import annotations

from typing import Any

from collector.core import agents
from collector.core.agents import KEEP, Agents
from collector.inventory import Agent
from collector.model import Process


class Clock:
    time = 10**18

    def __call__(self) -> int:
        return self.time


def agent(pid: int = 7, **fields: Any) -> Agent:
    return Agent(Process(pid=pid, service="shop"), connect_time=Clock.time, **fields)


def test_connected_until_the_last_stream_ends() -> None:
    """Two streams of one process are one agent; it is disconnected when both have ended."""
    known = Agents(Clock())
    known.opened(0, agent())
    known.opened(1, agent())
    assert known.connected() == [7]
    assert not known.closed(0, 7)
    assert known.closed(1, 7)
    assert not known.closed(1, 7)
    assert [one.connected for one in known.listed()] == [False]


def test_inspector_lost() -> None:
    """With an inspector go its connections; agents that have others stay connected."""
    known = Agents(Clock())
    known.opened(0, agent(1))
    known.opened(0, agent(2))
    known.opened(1, agent(2))
    assert known.inspector_lost(0) == [1]
    assert known.connected() == [2]


def test_witnessed_is_news_once() -> None:
    """Only a change is told; a second stream keeps what is known."""
    known = Agents(Clock())
    known.opened(0, agent())
    assert not known.is_witnessed(7)
    assert known.witnessed([7, 8], True) == [7]
    assert known.witnessed([7], True) == []
    known.opened(0, agent())
    assert known.is_witnessed(7)
    assert known.watched() == [7]


def test_status() -> None:
    """Mode and counters are taken over, who it is stays; strangers are ignored."""
    known = Agents(Clock())
    known.opened(0, agent())
    known.status(Agent(Process(pid=7, service="other"), mode="block", counters={"requests": 3}))
    known.status(agent(99))
    (listed,) = known.listed()
    assert (listed.mode, listed.counters, listed.process.service) == ("block", {"requests": 3}, "shop")


def test_forgotten_after_an_hour() -> None:
    """A disconnected agent is listed for an hour, a connected one always."""
    clock = Clock()
    known = Agents(clock)
    known.opened(0, agent(1))
    known.opened(0, agent(2))
    known.closed(0, 1)
    clock.time += KEEP
    assert len(known.listed()) == 2
    clock.time += 1
    assert [one.process.pid for one in known.listed()] == [2]


def test_bounded(monkeypatch: Any) -> None:
    """Above the limit the disconnected go first."""
    monkeypatch.setattr(agents, "MAX_AGENTS", 3)
    known = Agents(Clock())
    for pid in range(1, 4):
        known.opened(0, agent(pid))
    known.closed(0, 3)
    known.opened(0, agent(4))
    assert sorted(one.process.pid for one in known.listed()) == [1, 2, 4]
