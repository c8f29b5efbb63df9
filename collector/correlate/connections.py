"""TCP connections as the kernel saw both of their ends: the connect of one process, the accept of another.

Two events belong to one connection where their addresses and ports are the same ones, exchanged, and their times fit;
of loopback addresses, which every network namespace has, the namespace must be the same one, too. A kept connection
serves many requests: whose turn it was says the last turn before the other side's request began. Not joined: what
passes a proxy or a translation of addresses, Unix sockets, connections whose events were lost, and requests whose
server did not tell the port. Bounded; the oldest connections go first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict

from msgspec import Struct

from collector.correlate.peers import Key, is_loopback, plain
from collector.model import Peer
from probes.vocabulary import KernelEvent

MILLISECOND = 1_000_000
EARLY, LATE = 100 * MILLISECOND, 60_000 * MILLISECOND
"""How long before the return of connect, and after it, the other side may have accepted (ns)."""

UNSURE = MILLISECOND
"""Nanoseconds by which the two clocks (the app's and the kernel's) may differ on one host."""

BEHIND = 50 * MILLISECOND
"""Nanoseconds by which an event may come after one that is younger: there are two rings."""

MAX_TURNS, MAX_SERVED, MAX_WAITING = 32, 64, 4096
KINDS = frozenset(("connect", "accept", "turn"))
IN_PROGRESS = -115

Ends = tuple[str, int, str, int, int]
"""The client's address and port, the server's, and the network namespace where that matters."""


class Served(Struct):
    """A request that came by a connection: when it began (ns), and which request asked for it."""

    start: int
    caller: str = ""


class Connection(Struct, eq=False):
    """What is known of one connection. `turns`: when (ns) which request (or none) sent on it, the oldest first."""

    client: Peer
    server: Peer
    net: int
    connected: KernelEvent | None = None
    accepted: KernelEvent | None = None
    turns: list[tuple[int, str]] = []
    served: dict[str, Served] = {}

    @property
    def joined(self) -> bool:
        return self.connected is not None and self.accepted is not None

    def took_turn(self, event: KernelEvent) -> None:
        """Only what a request's own thread sends is its: a thread or process that it began may outlive it."""
        self.turns.append((event.time, event.request_id if event.attribution == "exact" else ""))
        self.turns.sort()
        del self.turns[:-MAX_TURNS]

    def caller(self, start: int) -> str:
        """Which request asked for the one that began at `start` on the other side; empty where that is not certain."""
        after = bisect_right(self.turns, start, key=lambda turn: turn[0])
        close = {turn[1] for turn in self.turns[after:] if turn[0] <= start + UNSURE}
        found = {self.turns[after - 1][1]} if after else set[str]()
        return (found | close).pop() if len(found | close) == 1 else ""

    def waits(self, heard: int) -> bool:
        """Whether a request is served whose connection may not have been heard of to the end."""
        return any(one.start + BEHIND > heard for one in self.served.values())

    def changes(self, heard: int) -> list[tuple[str, str, str]]:
        """The served requests whose caller is another one than when last asked: id, caller, caller before. Events up
        to `heard` have come."""
        changed = []
        for request_id, one in self.served.items():
            if one.start + BEHIND > heard:
                continue
            caller = self.caller(one.start) if self.joined else ""
            if caller != one.caller:
                changed.append((request_id, caller, one.caller))
                one.caller = caller
        return changed


class Connections:
    """Connections by their ends, and the requests that came by them. `evicted` counts those that had to go."""

    def __init__(self, size: int = 16_384) -> None:
        self._size = size
        self._known: OrderedDict[Ends, Connection] = OrderedDict()
        self._accepted: dict[Key, Connection] = {}
        self._waiting: OrderedDict[Key, dict[str, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def take(self, event: KernelEvent) -> Connection | None:
        """The connection that this event is about, as it is now known; None for what shows no two ends."""
        if not event.local_port or not event.port or (event.result < 0 and event.result != IN_PROGRESS):
            return None
        here = Peer(plain(event.local_address), event.local_port)
        there = Peer(plain(event.address), event.port)
        client, server = (there, here) if event.kind == "accept" else (here, there)
        if event.kind == "turn":
            return self._turn(self._known.get(ends(client, server, event.net)), event)
        return self._end(ends(client, server, event.net), client, server, event)

    def of(self, event: KernelEvent) -> Connection | None:
        """The connection that this connect made, as long as it is known."""
        here, there = Peer(plain(event.local_address), event.local_port), Peer(plain(event.address), event.port)
        found = self._known.get(ends(here, there, event.net))
        return found if found is not None and found.connected == event else None

    def serve(self, pid: int, peer: Peer, start: int, request_id: str) -> Connection | None:
        """A request of this process came from `peer`: its connection, or None as long as nobody has seen that."""
        key = (pid, plain(peer.address), peer.port)
        if not (key[1] and peer.port and pid > 0):
            return None
        if (found := self._accepted.get(key)) is not None:
            return found if _serves(found, request_id, start) else None
        self._waiting.setdefault(key, {})[request_id] = start
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        return None

    def _turn(self, found: Connection | None, event: KernelEvent) -> Connection | None:
        if found is None or found.connected is None or found.connected.pid != event.pid:
            return None
        found.took_turn(event)
        return found

    def _end(self, key: Ends, client: Peer, server: Peer, event: KernelEvent) -> Connection:
        found = self._known.get(key)
        if found is None or not _fits(found, event):
            found = self._put(key, Connection(client, server, key[4]))
        if event.kind == "connect":
            found.connected = event
        else:
            found.accepted = event
            self._accept(found, (event.pid, client.address, client.port))
        return found

    def _accept(self, found: Connection, key: Key) -> None:
        self._accepted[key] = found
        for request_id, start in self._waiting.pop(key, {}).items():
            _serves(found, request_id, start)

    def _put(self, key: Ends, connection: Connection) -> Connection:
        self._drop(self._known.pop(key, None))
        self._known[key] = connection
        while len(self._known) > self._size:
            self._drop(self._known.popitem(last=False)[1])
        return connection

    def _drop(self, connection: Connection | None) -> None:
        if connection is not None and connection.accepted is not None:
            key = (connection.accepted.pid, connection.client.address, connection.client.port)
            if self._accepted.get(key) is connection:
                del self._accepted[key]


def _serves(connection: Connection, request_id: str, start: int) -> bool:
    """Note a request on a connection; False where it began before that, or there are too many."""
    accepted = connection.accepted
    if accepted is None or accepted.time > start + UNSURE:
        return False
    known = connection.served.get(request_id)
    if known is None and len(connection.served) >= MAX_SERVED:
        connection.served.pop(next(iter(connection.served)))
    if known is None:
        connection.served[request_id] = Served(start)
    return True


def _fits(connection: Connection, event: KernelEvent) -> bool:
    """Whether this event is the other end of the connection that is known, and not of a later one."""
    if event.kind == "connect":
        other = connection.accepted
        return connection.connected is None and other is not None and -EARLY <= other.time - event.time <= LATE
    other = connection.connected
    return connection.accepted is None and other is not None and -EARLY <= event.time - other.time <= LATE


def ends(client: Peer, server: Peer, net: int) -> Ends:
    return client.address, client.port, server.address, server.port, net if is_loopback(server.address) else 0
