"""Which services talk to which: connections counted by who made them and where they went.

Three kinds: both ends on this host (client and server are named), to elsewhere (no server), from elsewhere (no client).
Some connections of each keep both ends' addresses and ports: where two nodes report the two halves of one, these are
equal. Of a busy edge the latest are hardly the same ones on both nodes, so one of every 15 seconds is kept that both
choose alike, by its addresses. Bounded: the longest unused of each kind go first, so that a crowd of clients cannot
push out the others.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import chain
from zlib import crc32

from msgspec import Struct, field

from collector.correlate.connections import Connection
from collector.inventory import Edge, EdgeConnection
from collector.model import Peer
from probes.vocabulary import KernelEvent

MAX_EDGES = 2048
MAX_RECENT = 4
WINDOW, WINDOWS = 15 * 1_000_000_000, 4
"""Of so many stretches of time (ns) one connection each is kept beside the latest."""

PATIENCE = 5 * 1_000_000_000
"""Nanoseconds after which an accept whose connect nobody saw came from elsewhere."""

MAX_UNMET = 4096


class _Edge(Struct, eq=False):
    client: str
    server: str
    client_address: str
    server_end: Peer
    first_time: int
    last_time: int = 0
    connections: int = 0
    recent: deque[Connection] = field(default_factory=deque)
    chosen: dict[int, tuple[int, Connection]] = field(default_factory=dict)

    def add(self, connection: Connection, time: int) -> None:
        self.connections += 1
        self.last_time = max(self.last_time, time)
        self.recent.append(connection)
        if len(self.recent) > MAX_RECENT:
            self.recent.popleft()
        self._choose(connection, time // WINDOW)

    def _choose(self, connection: Connection, window: int) -> None:
        """Keep the one that ranks first, of the latest stretches of time."""
        ranked = rank(connection)
        if window in self.chosen and self.chosen[window][0] <= ranked:
            return
        self.chosen[window] = ranked, connection
        if len(self.chosen) > WINDOWS:
            del self.chosen[min(self.chosen)]

    def shown(self) -> Edge:
        chosen = (connection for _, connection in self.chosen.values())
        known = {id(connection): connection for connection in chain(chosen, self.recent)}
        return Edge(
            self.client, self.server, self.client_address, self.server_end, self.connections, self.first_time,
            self.last_time, tuple(sorted(map(_shown, known.values()), key=lambda one: one.time)),
        )  # fmt: skip


Known = OrderedDict[tuple[object, ...], _Edge]


class Edges:
    """`service` names the service that a process of an event belongs to."""

    def __init__(self, service: Callable[[KernelEvent], str]) -> None:
        self._service = service
        self._out: Known = OrderedDict()
        self._in: Known = OrderedDict()
        self._unmet: OrderedDict[int, tuple[Connection, int]] = OrderedDict()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._out) + len(self._in)

    def connected(self, connection: Connection, event: KernelEvent) -> None:
        """A process connected; where the connection goes to is known later, if at all."""
        client, server = self._service(event), connection.server
        key = (client, server.address, server.port, connection.net)
        self._add(self._out, key, _Edge(client, "", "", server, event.time), connection, event.time)

    def accepted(self, connection: Connection, now: int) -> None:
        """A process accepted; whoever connected is asked for a while."""
        self._unmet[id(connection)] = connection, now
        while len(self._unmet) > MAX_UNMET:
            self._came(self._unmet.popitem(last=False)[1][0])

    def joined(self, connection: Connection) -> None:
        """Both ends are known."""
        self._unmet.pop(id(connection), None)
        made, taken, server = connection.connected, connection.accepted, connection.server
        if made is None or taken is None:
            return
        edge = self._out.get((self._service(made), server.address, server.port, connection.net))
        if edge is not None:
            edge.server = self._service(taken)

    def expire(self, now: int) -> None:
        """What was accepted some time ago, and connected by nobody here, came from elsewhere."""
        while self._unmet and next(iter(self._unmet.values()))[1] < now - PATIENCE:
            self._came(self._unmet.popitem(last=False)[1][0])

    def all(self) -> list[Edge]:
        """Every edge, the last used first."""
        known = chain(self._out.values(), self._in.values())
        return sorted((edge.shown() for edge in known), key=lambda edge: edge.last_time, reverse=True)

    def _came(self, connection: Connection) -> None:
        event = connection.accepted
        if event is None:
            return
        server, address = self._service(event), connection.client.address
        key = (server, connection.server.port, address, connection.net)
        self._add(self._in, key, _Edge("", server, address, connection.server, event.time), connection, event.time)

    def _add(self, known: Known, key: tuple[object, ...], fresh: _Edge, connection: Connection, time: int) -> None:
        edge = known.setdefault(key, fresh)
        edge.add(connection, time)
        known.move_to_end(key)
        if len(known) > MAX_EDGES:
            known.popitem(last=False)
            self.evicted += 1


def rank(connection: Connection) -> int:
    """The same on both hosts, and of no meaning."""
    client, server = connection.client, connection.server
    return crc32(f"{client.address} {client.port} {server.address} {server.port}".encode())


def _shown(connection: Connection) -> EdgeConnection:
    made, taken = connection.connected, connection.accepted
    return EdgeConnection(
        connection.client, connection.server, (made or taken or KernelEvent("connect", 0, 0, 0)).time,
        made.pid if made else 0, taken.pid if taken else 0, made.request_id if made else "",
    )  # fmt: skip
