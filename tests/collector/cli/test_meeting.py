"""Attack traces of two hosts meet where the one's connection ends and the other's begins, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.json_format import MessageToDict
from msgspec.structs import replace

from collector.api import convert
from collector.cli.meeting import meet
from collector.model import Peer, Process, Verdict
from probes.vocabulary import KernelEvent
from tests.collector import records
from tests.collector.cli.conftest import Shell
from tests.collector.records import START

SECOND = 1_000_000_000
CLIENT = Peer("10.0.0.1", 40_001)


def asking(number: int, kind: str = "connect", end: Peer = CLIENT, after: float = 0.1) -> pb.AttackTrace:
    """A request on host a that connected (or took a turn) after so many seconds, its own end being `end`."""
    event = KernelEvent(
        kind, START + int(after * SECOND), 7, 7, request_id=f"{number:016x}", attribution="exact",
        local_address=end.address, local_port=end.port, address="10.0.0.2", port=80,
    )  # fmt: skip
    process = Process(7, "front", host="a")
    return convert.trace(replace(records.trace(number, process=process), kernel_events=(event,)))


def asked(number: int, end: Peer = CLIENT, after: float = 0.11) -> pb.AttackTrace:
    """A request on host b that came from `end`."""
    request = {"kernel_peer": end, "start_time": START + int(after * SECOND), "headers": (("x", "y"),)}
    return convert.trace(records.trace(number, Verdict.REACHED, process=Process(9, "back", host="b"), **request))


def links(trace: pb.AttackTrace, *others: pb.AttackTrace) -> list[tuple[str, str]]:
    found = meet(trace, others).linked
    return [(pb.Relation.Name(one.relation).removeprefix("RELATION_"), one.id[-1]) for one in found]


@pytest.mark.parametrize("kind", ["connect", "turn"])
def test_each_names_the_other(kind: str) -> None:
    """Who connected, or sent on a kept connection, asked for what came by it then; without the headers."""
    assert links(asking(1, kind), asked(2)) == [("CHILD", "2")]
    assert links(asked(2), asking(1, kind)) == [("PARENT", "1")]
    (found,) = meet(asking(1, kind), [asked(2)]).linked
    assert (found.verdict, found.found_by) == (pb.VERDICT_REACHED, pb.LINK_SOURCE_CONNECTION)
    assert (found.request.process.host_name, len(found.request.request_headers)) == ("b", 0)


def test_a_socket_of_both_families() -> None:
    """Its end is written as one of IPv6, and is the same."""
    assert links(asking(1, end=Peer("::ffff:10.0.0.1", CLIENT.port)), asked(2)) == [("CHILD", "2")]


@pytest.mark.parametrize(
    "other",
    [
        asked(2, Peer("10.0.0.1", 40_002)), asked(2, Peer("10.0.0.3", 40_001)), asked(2, after=2), asked(2, Peer()),
        asked(1),
    ],
    ids=["port", "address", "time", "nobody", "itself"],
)  # fmt: skip
def test_what_only_looks_alike(other: pb.AttackTrace) -> None:
    """Another end, another time, a request whose connection nobody saw, and the same trace are not joined."""
    assert links(asking(1), other) == []


def test_loopback_is_each_hosts_own() -> None:
    """Equal addresses of two hosts' loopback are two connections."""
    own = Peer("127.0.0.1", 40_001)
    assert links(asking(1, end=own), asked(2, own)) == []


def test_what_is_not_certain() -> None:
    """Two that may have asked for it are none; what is linked already stays once."""
    assert links(asked(3), asking(1), asking(2)) == []
    known = asked(2)
    known.linked.add(id=f"{1:016x}", relation=pb.RELATION_PARENT)
    assert links(known, asking(1)) == [("PARENT", "1")]


def test_the_command(shell: Shell, tmp_path: Path) -> None:
    """`trace --join` takes what `traces --json` printed on the other host, and says where the other request was."""
    request = {"kernel_peer": CLIENT, "start_time": START + SECOND // 10}
    mine = records.trace(2, process=Process(9, "back", host="b"), **request)
    shell.node.store.save([mine], [])
    file = tmp_path / "other.json"
    file.write_text(json.dumps(MessageToDict(asking(1))) + "\n")
    (found,) = shell.json("trace", mine.id, "--join", str(file))
    assert [(one["id"], one["relation"]) for one in found["linked"]] == [(f"{1:016x}", "RELATION_PARENT")]
    assert "front@a" in shell.out("trace", mine.id, "--join", str(file))
    assert shell.json("trace", mine.id)[0]["linked"] == []
    file.write_text("[]\n")
    done = shell.run("trace", mine.id, "--join", str(file))
    assert (done.returncode, f"{file}, line 1" in done.stderr) == (2, True)
