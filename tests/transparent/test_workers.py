"""gunicorn's HUP replaces its workers while clients ask: nobody notices, and the new ones are agents as the old."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, short_directory, wait_for
from tests.transparent.replaced import SECONDS, agents, children, named, stopped, traced
from tests.transparent.servers import SITES, Running, Server, running

GUNICORN = f"-m gunicorn.app.wsgiapp -b 127.0.0.1:{{port}} -w 2 --log-level warning {SITES}reloaded_flask:app"
SERVERS = [
    Server(f"gunicorn{flag}", packages, version, GUNICORN + flag)
    for packages, version in (("servers-old", "2.7"), ("flask-3", "3.13"))
    for flag in ("", " --preload", " -k gthread --threads 4")
]
ROUNDS = 3
CLIENTS = 3


class Load:
    """Clients that ask who serves them, again and again; keeps the pids, and what was not as it should be."""

    def __init__(self, one: Running) -> None:
        self.one, self.over = one, threading.Event()
        self.pids: set[int] = set()
        self.failures: list[str] = []

    def ask(self) -> None:
        """Until it is over."""
        while not self.over.is_set():
            try:
                self.pids.add(self.one.json("/"))
            except (OSError, ValueError) as error:  # an HTTP error is an OSError
                self.failures.append(repr(error))


@contextlib.contextmanager
def loaded(one: Running) -> Iterator[Load]:
    """Clients until the end of the block."""
    load = Load(one)
    threads = [threading.Thread(target=load.ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("server", SERVERS, ids=map(str, SERVERS))
def test_workers_are_replaced(server: Server, node: Node) -> None:
    """Every answer is 200, the new workers are the node's only agents and detect, and nothing is logged."""
    with short_directory() as directory, running(named(server), directory, node.run_dir) as one:
        with loaded(one) as load:
            seen = [settled(load, node)]
            for _ in range(ROUNDS):
                one.process.send_signal(signal.SIGHUP)
                wait_for(lambda: not children(one.process.pid) & seen[-1], SECONDS, f"the end of {seen[-1]}")
                seen.append(settled(load, node))
        assert load.failures == []
        assert load.pids == set().union(*seen)
        assert len(load.pids) == 2 * (ROUNDS + 1)
        one.get("/?q=x%27+union+select+%27a")
        assert traced(one, node) <= seen[-1]
        assert stopped(one) == set()


def settled(load: Load, node: Node) -> set[int]:
    """The two workers, once they have served, and they and nobody else are agents of the node."""

    def served() -> set[int]:
        now = children(load.one.process.pid)
        return now if len(now) == 2 and now <= load.pids else set()

    found = wait_for(served, SECONDS, "two workers that serve")
    wait_for(lambda: agents(load.one, node) == found, SECONDS, f"{found} as agents")
    return found
