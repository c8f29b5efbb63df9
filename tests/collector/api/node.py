"""A real API server over a real store, without the rest of a node: for the tests of the API and of the command line."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from collector.api import server
from collector.hub import Hub
from collector.inventory import Agent, Edge, Host, PoliciesInForce
from collector.model import AttackTrace, LoginEvent
from collector.store.sqlite import SqliteStore
from probes.vocabulary import Mode

T = TypeVar("T")


class View:
    """What the node would say of itself."""

    name = "host-1"

    def __init__(self) -> None:
        self.agent_list: list[Agent] = []
        self.host_list: list[Host] = []
        self.edge_list: list[Edge] = []
        self.enforcement = PoliciesInForce("enforce")

    def agents(self) -> list[Agent]:
        return self.agent_list

    def hosts(self) -> list[Host]:
        return self.host_list

    def edges(self) -> list[Edge]:
        return self.edge_list

    def left_out(self, request_id: str) -> str:
        return f"{request_id} was left out" if request_id == "f" * 16 else ""

    def in_force(self) -> PoliciesInForce:
        return self.enforcement

    async def switch(self, mode: Mode) -> None:
        self.enforcement = replace(self.enforcement, mode=mode)


class Served:
    """The server, in a thread with its own event loop."""

    def __init__(self, directory: Path, room: int = 512) -> None:
        self.run_dir = directory
        self.socket = directory / server.NAME
        self.store = SqliteStore(directory)
        self.view = View()
        self.hub = Hub(room)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._handle = self.call(server.start(self.socket, self.store, self.hub, self.view))

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def put(self, traces: list[AttackTrace] | None = None, logins: list[LoginEvent] | None = None) -> None:
        """Store and publish, as the pipeline does."""
        self.store.save(traces or [], logins or [])

        async def publish() -> None:
            self.hub.publish(traces or [], logins or [])

        self.call(publish())

    def watchers(self) -> int:
        async def count() -> int:
            return self.hub.watchers

        return self.call(count())

    def stop(self) -> None:
        self.call(self._handle.stop(0.1))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.store.close()


@contextlib.contextmanager
def served(room: int = 512) -> Iterator[Served]:
    """A server for one test; its directory's path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="cw-") as directory:
        node = Served(Path(directory), room)
        try:
            yield node
        finally:
            node.stop()
