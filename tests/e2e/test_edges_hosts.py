"""Two services on two hosts, joined by what each host's node says of its half of the connection.

The other host is a network namespace with an address of its own; both nodes see the one kernel, but each watches only
the service whose agent speaks to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ROOT, App, Node, free_port, running_app, running_node, wait_for, watched
from tests.e2e.test_edges import SITE, hexed

HERE, THERE = "10.231.77.1", "10.231.77.2"
NAME, ENDS = "cw-edges", ("cw-edge0", "cw-edge1")
REQUESTS = 50


def ip(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def other_host() -> Iterator[list[str]]:
    """Another host's network, reached at THERE; gives what runs a command there."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs root and iproute2")
    made = ip("netns", "add", NAME, check=False)
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    try:
        if (veth := ip("link", "add", ENDS[0], "type", "veth", "peer", ENDS[1], "netns", NAME, check=False)).returncode:
            pytest.skip(f"no veth here: {veth.stderr.strip()}")
        ip("addr", "add", f"{HERE}/24", "dev", ENDS[0])
        ip("link", "set", ENDS[0], "up")
        ip("-n", NAME, "addr", "add", f"{THERE}/24", "dev", ENDS[1])
        ip("-n", NAME, "link", "set", ENDS[1], "up")
        yield ["ip", "netns", "exec", NAME]
    finally:
        ip("netns", "del", NAME, check=False)


@contextlib.contextmanager
def served(node: Node, folder: Path, name: str, where: str, prefix: list[str], **environment: str) -> Iterator[App]:
    port = free_port()
    command = f"gunicorn -w 1 -k gthread --threads 2 --chdir {ROOT} -b {where}:{port} {SITE}".split()
    environment = {"COWITNESS_PROPAGATE": "off", "COWITNESS_SERVICE": name, **environment}
    with running_app(node, [*prefix, *command], port, folder, host=where, **environment) as app:
        wait_for(lambda: watched(app, node, name, 1), 60, f"{name} is watched")
        yield app


@pytest.fixture(scope="module")
def services(
    witnessed_node: Node, other_host: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Node, App, App]]:
    """The other host's node, the service there, and the one here that asks it."""
    folder = tmp_path_factory.mktemp("hosts")
    with (
        running_node() as other,
        served(other, folder, "back-there", THERE, other_host) as back,
        served(witnessed_node, folder, "front-here", "127.0.0.1", [], BEHIND=back.base[len("http://") :]) as front,
    ):
        assert other.witnesses(), other.unwitnessed()
        yield other, back, front


def written(path: Path, documents: list[dict[str, Any]]) -> str:
    """A file as `--json` of the other node's command line writes it."""
    path.write_text("".join(json.dumps(one) + "\n" for one in documents))
    return str(path)


def test_an_edge_between_hosts(witnessed_node: Node, services: tuple[Node, App, App], tmp_path: Path) -> None:
    """Neither node knows the service at the other end; what they say together names both, with the request that asked,
    although many connections came between the two questions."""
    other, _, front = services

    def half(node: Node, mine: str, name: str) -> list[dict[str, str]]:
        return [one for one in node.json("edges") if one[mine] == name]

    def edge() -> dict[str, Any] | None:
        """As joined from what both say, one after the other, while the service in front asks on and on."""
        for _ in range(REQUESTS):
            assert front.get(f"/once?hex={hexed('hello')}")[1] == b"hello\n"
        there = written(tmp_path / "there.json", half(other, "serverServiceName", "back-there"))
        for _ in range(REQUESTS):
            assert front.get(f"/once?hex={hexed('hello')}")[1] == b"hello\n"
        found = [one for one in witnessed_node.json("edges", "--join", there) if one["clientServiceName"]]
        return next((one for one in found if one["serverServiceName"] == "back-there"), None)

    found = wait_for(edge, 90, "an edge of both halves")
    both = [one for one in found["recent"] if one["clientPid"] and one["serverPid"]]
    assert (found["clientServiceName"], found["server"]["address"]) == ("front-here", THERE)
    assert both
    assert all(one["clientRequestId"] for one in both)
    assert {one["serverServiceName"] for one in half(witnessed_node, "clientServiceName", "front-here")} == {""}


def test_an_attack_through_both(witnessed_node: Node, services: tuple[Node, App, App], tmp_path: Path) -> None:
    """A forged request that attacks the service on the other host: with the other node's traces each names the other,
    without them nobody."""
    other, back, front = services
    assert front.get(f"/fetch?url={back.base}/run%3Fword=x;cat%2520/proc/version")[0] == 200

    def attacked(node: Node, service: str, told: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Its trace, as soon as this is in it."""
        return wait_for(lambda: [one for one in node.traces("--service", service) if told(one)], 60, service)[0]

    def connected(trace: dict[str, Any]) -> bool:
        return any(one["kind"] == "connect" and one["local"] for one in trace["kernelEvents"])

    before = attacked(witnessed_node, "front-here", connected)
    behind = attacked(other, "back-there", lambda trace: trace["request"]["kernelPeer"])
    there, here = (written(tmp_path / trace["id"], [trace]) for trace in (behind, before))
    assert witnessed_node.json("trace", before["id"])[0]["linked"] == []
    (asked,) = witnessed_node.json("trace", before["id"], "--join", there)[0]["linked"]
    (asking,) = other.json("trace", behind["id"], "--join", here)[0]["linked"]
    assert [(one["id"], one["relation"]) for one in (asked, asking)] == [
        (behind["id"], "RELATION_CHILD"), (before["id"], "RELATION_PARENT"),
    ]
