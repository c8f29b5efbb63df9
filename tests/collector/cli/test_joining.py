"""The halves of connections that two nodes tell are put together, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cowitness.v1 import cowitness_pb2 as pb

from collector.api import convert
from collector.cli import joining
from collector.inventory import Edge, EdgeConnection
from collector.model import Peer
from tests.collector.cli.conftest import Shell

SECOND = 1_000_000_000
CLIENT, SERVER = "10.0.0.1", Peer("10.0.0.2", 80)


def out(name: str, *ports: int, address: str = CLIENT, server: Peer = SERVER, time: int = 50) -> pb.Edge:
    """As the client's node tells it."""
    made = tuple(EdgeConnection(Peer(address, port), server, time * SECOND, 7, 0, f"{port:016x}") for port in ports)
    return convert.edge(Edge(name, "", "", server, len(ports), time * SECOND, time * SECOND, made), "a")


def into(name: str, *ports: int, address: str = CLIENT, server: Peer = SERVER, time: int = 51) -> pb.Edge:
    """As the server's node tells it."""
    taken = tuple(EdgeConnection(Peer(address, port), server, time * SECOND, 0, 9) for port in ports)
    return convert.edge(Edge("", name, address, server, len(ports), time * SECOND, time * SECOND, taken), "b")


def names(edges: list[pb.Edge]) -> list[tuple[str, str, str, str]]:
    return [
        (edge.client_service_name, edge.client_host_name, edge.server_service_name, edge.server_host_name)
        for edge in edges
    ]


def test_one_edge_of_two_halves() -> None:
    """Both services and hosts are named; of a connection that both know the request that made it and both processes."""
    (whole,) = joining.join([out("front", 1, 2, 3), into("back", 3, 4)])
    assert names([whole]) == [("front", "a", "back", "b")]
    assert [(one.client_pid, one.server_pid) for one in whole.recent] == [(7, 0), (7, 0), (7, 9)]
    assert whole.recent[2].client_request_id == f"{3:016x}"


def test_two_clients_on_one_host() -> None:
    """Each is shown with the server; nothing of the common half is left over."""
    found = joining.join([out("front", 1), out("jobs", 2), into("back", 1, 2)])
    assert sorted(names(found)) == [("front", "a", "back", "b"), ("jobs", "a", "back", "b")]


LOCAL = Peer("127.0.0.1", 80)


@pytest.mark.parametrize(
    "halves",
    [
        (out("front", 1), into("back", 2)),
        (out("front", 1), into("back", 1, address="10.0.0.3")),
        (out("front", 1), into("back", 1, server=Peer("10.0.0.2", 81))),
        (out("front", 1), into("back", 1, time=200)),
        (out("front", 1, address="127.0.0.1", server=LOCAL), into("back", 1, address="127.0.0.1", server=LOCAL)),
    ],
    ids=["port", "client", "server", "time", "loopback"],
)
def test_what_only_looks_alike(halves: tuple[pb.Edge, pb.Edge]) -> None:
    """Other ports or addresses, ports that came again later, and each host's own loopback are not joined."""
    assert sorted(names(joining.join(halves))) == [("", "", "back", "b"), ("front", "a", "", "")]


def test_the_command(shell: Shell, tmp_path: Path) -> None:
    """`edges --join` takes what the command printed on the other host; services on two hosts are shown with theirs."""
    shell.node.view.edge_list = [
        Edge("", "back", CLIENT, SERVER, 1, 0, SECOND, (EdgeConnection(Peer(CLIENT, 1), SERVER, 51 * SECOND, 0, 9),))
    ]
    file = tmp_path / "other.json"
    file.write_text(json_line(out("front", 1)) + "\n")
    found = shell.json("edges", "--join", str(file))
    assert [(one["clientServiceName"], one["serverServiceName"]) for one in found] == [("front", "back")]
    assert "front@a" in shell.run("edges", "--join", str(file)).stdout
    assert "back@host-1" in shell.run("edges", "--join", str(file)).stdout


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"connections": "x"}', b"\xff", b"[" * 5000])
def test_what_is_no_edge(shell: Shell, tmp_path: Path, content: bytes) -> None:
    """A file with anything else ends the command with its name and line; so does one that is not there."""
    file = tmp_path / "other.json"
    file.write_bytes(b"\n" + content)
    done = shell.run("edges", "--join", str(file))
    assert (done.returncode, f"{file}, line 2" in done.stderr) == (2, True)
    assert shell.run("edges", "--join", str(tmp_path / "nowhere")).returncode == 2


def json_line(edge: pb.Edge) -> str:
    from google.protobuf.json_format import MessageToDict

    document: dict[str, Any] = MessageToDict(edge)
    return json.dumps(document)
