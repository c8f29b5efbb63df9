"""What several nodes say of the connections between them, put together: each has one half of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import Message

from collector.cli.failure import WRONG, CommandError
from collector.correlate.peers import is_loopback, plain

MAX_BYTES = 64 << 20
APART = 60.0
"""Seconds between the two nodes' words on one connection: clocks differ, and ports come again."""

Ends = tuple[str, int, str, int]
M = TypeVar("M", bound=Message)


def read(path: Path, make: Callable[[], M], command: str) -> list[M]:
    """The messages in a file that `cowitness COMMAND --json` has written; raises CommandError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", WRONG) from error
    if len(data) > MAX_BYTES:
        raise CommandError(f"{path} is larger than {MAX_BYTES >> 20} MiB", WRONG)
    wrong = f"nothing that `cowitness {command} --json` prints"
    lines = enumerate(data.splitlines(), 1)
    return [_message(line, make(), f"{path}, line {number}: {wrong}") for number, line in lines if line.strip()]


def _message(line: bytes, message: M, wrong: str) -> M:
    if not line.startswith(b"{"):
        raise CommandError(wrong, WRONG)
    try:
        return Parse(line.decode(), message, ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        raise CommandError(wrong, WRONG) from error


def join(edges: Iterable[pb.Edge]) -> list[pb.Edge]:
    """The edges of all nodes, the last used first; where one node has the client's half and another the server's of a
    connection, their two edges are one with both names. What several clients on one host share is named in each."""
    known = list(edges)
    accepted: dict[Ends, list[tuple[pb.Edge, pb.EdgeConnection]]] = {}
    for edge in known:
        for connection in edge.recent if edge.client_address else ():
            accepted.setdefault(ends(connection), []).append((edge, connection))
    met, found = set[int](), list[pb.Edge]()
    for edge in known:
        if not (edge.client_address or edge.server_service_name) and (halves := list(_halves(edge, accepted))):
            found.append(_whole(edge, halves))
            met |= {id(edge), *(id(other) for other, _, _ in halves)}
    found += [edge for edge in known if id(edge) not in met]
    return sorted(found, key=lambda edge: edge.last_time.ToNanoseconds(), reverse=True)


Half = tuple[pb.Edge, pb.EdgeConnection, pb.EdgeConnection]


def _halves(edge: pb.Edge, accepted: dict[Ends, list[tuple[pb.Edge, pb.EdgeConnection]]]) -> Iterator[Half]:
    """What other nodes know of an edge: their edge, its connection and this one's. Loopback addresses are each host's
    own."""
    for mine in edge.recent:
        for other, theirs in accepted.get(ends(mine), ()) if not is_loopback(plain(mine.server.address)) else ():
            if abs(theirs.time.ToNanoseconds() - mine.time.ToNanoseconds()) < APART * 1e9:
                yield other, theirs, mine


def _whole(edge: pb.Edge, halves: list[Half]) -> pb.Edge:
    whole = pb.Edge()
    whole.CopyFrom(edge)
    whole.server_service_name, whole.server_host_name = halves[0][0].server_service_name, halves[0][0].server_host_name
    by_ends = {ends(theirs): theirs.server_pid for _, theirs, _ in halves}
    for connection in whole.recent:
        connection.server_pid = by_ends.get(ends(connection), 0)
    return whole


def ends(connection: pb.EdgeConnection) -> Ends:
    """What both halves of a connection have in common."""
    client, server = connection.client, connection.server
    return client.address, client.port, server.address, server.port
