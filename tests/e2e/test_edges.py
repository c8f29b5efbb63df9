"""Two services on one host, joined by the kernel's word on their connections: there is no tracing header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import ROOT, App, Node, free_port, running_app, wait_for, watched

ATTACK = "x;cat /proc/version"
SITE = "tests.e2e.edges_site:app"


@pytest.fixture(scope="module")
def services(witnessed_node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, App]]:
    """The service in front and the one behind it; the latter keeps connections (gthread), neither sends headers on."""
    ports = free_port(), free_port()
    environment = {"COWITNESS_PROPAGATE": "off", "BEHIND": f"127.0.0.1:{ports[1]}"}

    def serve(name: str, port: int) -> Any:
        command = f"gunicorn -w 1 -k gthread --threads 2 --keep-alive 30 --chdir {ROOT} -b 127.0.0.1:{port} {SITE}"
        folder = tmp_path_factory.mktemp(name)
        return running_app(witnessed_node, command.split(), port, folder, COWITNESS_SERVICE=name, **environment)

    with serve("front", ports[0]) as front, serve("back", ports[1]) as back:
        wait_for(lambda: watched(front, witnessed_node, "front", 1), 60, "the front is watched")
        wait_for(lambda: watched(back, witnessed_node, "back", 1), 60, "the back is watched")
        yield front, back


def hexed(word: str) -> str:
    return word.encode().hex()


def traces(node: Node, service: str) -> list[dict[str, Any]]:
    """The attack traces of a service, whole."""
    return [node.json("trace", one["id"])[0] for one in node.traces("--service", service)]


def of(node: Node, service: str, text: str) -> dict[str, Any]:
    """The trace of a service whose request has this in its query, once the request that asked is known."""

    def found() -> dict[str, Any] | None:
        mine = (one for one in traces(node, service) if text in one["request"]["urlQuery"])
        return next((one for one in mine if any(link["request"]["urlPath"] for link in one["linked"])), None)

    return wait_for(found, 60, f"a linked trace of {service} with {text}: {traces(node, service)}")


def test_who_asked(witnessed_node: Node, services: tuple[App, App]) -> None:
    """An attack that came through an innocent request names that one, with its client, as found by the connection."""
    front, _ = services
    assert b"Linux version" in front.get(f"/once?hex={hexed(ATTACK + ' #1')}")[1]
    trace = of(witnessed_node, "back", "%231")
    (asked,) = trace["linked"]
    assert (asked["relation"], asked["foundBy"]) == ("RELATION_PARENT", "LINK_SOURCE_CONNECTION")
    assert (asked["request"]["process"]["serviceName"], asked["request"]["urlPath"]) == ("front", "/once")
    assert asked["request"]["urlQuery"].endswith(hexed(ATTACK + " #1"))
    assert trace["request"]["traceId"] != asked["request"]["traceId"]
    page = witnessed_node.cli("trace", trace["id"]).stdout
    assert "by connection" in page
    assert not witnessed_node.traces("--service", "front")


def test_a_kept_connection(witnessed_node: Node, services: tuple[App, App]) -> None:
    """Of many requests on the same connections each attack finds the one that asked for it."""
    front, _ = services
    for number in range(2, 12):
        assert front.get(f"/kept?hex={hexed(f'hello{number}')}")[1] == f"hello{number}\n".encode()
        assert b"Linux version" in front.get(f"/kept?hex={hexed(f'{ATTACK} #{number}')}")[1]
    found = {number: of(witnessed_node, "back", f"%23{number}") for number in range(2, 12)}
    for number, trace in found.items():
        ((asked),) = trace["linked"]
        assert asked["request"]["urlQuery"] == f"hex={hexed(f'{ATTACK} #{number}')}"
    made = {trace["request"]["kernelPeer"]["port"] for trace in found.values()}
    assert len(made) <= 2, "the connections were not kept"


def test_whom_it_asked(witnessed_node: Node, services: tuple[App, App]) -> None:
    """A forged request names the service that it reached; where that was attacked, too, each names the other."""
    front, back = services
    assert front.get(f"/fetch?url={back.base}/run%3Fword=x;cat%2520/proc/version%2520%252399")[0] == 200

    def both() -> tuple[dict[str, Any], dict[str, Any]] | None:
        behind = next((one for one in traces(witnessed_node, "back") if "%2399" in one["request"]["urlQuery"]), None)
        before = next((one for one in traces(witnessed_node, "front") if one["linked"]), None)
        return (before, behind) if before and behind and behind["linked"] else None

    before, behind = wait_for(both, 60, "both traces")
    assert [(one["id"], one["relation"]) for one in before["linked"]] == [(behind["id"], "RELATION_CHILD")]
    assert [(one["id"], one["relation"]) for one in behind["linked"]] == [(before["id"], "RELATION_PARENT")]
    assert behind["linked"][0]["verdict"] == "VERDICT_CONFIRMED"
    (connect,) = (one for one in before["kernelEvents"] if one["kind"] == "connect")
    assert connect["peerServiceName"] == "back"


def test_edges(witnessed_node: Node, services: tuple[App, App]) -> None:
    """The list of edges has the way from the front to the back, and the clients that are no service of ours."""
    front, back = services
    front.get(f"/once?hex={hexed('hello')}")
    port = int(back.base.rsplit(":", 1)[1])

    def edge() -> list[dict[str, Any]]:
        found = [one for one in witnessed_node.json("edges") if one["clientServiceName"] == "front"]
        return [one for one in found if one["serverServiceName"] == "back"]

    (way,) = wait_for(edge, 30, "the edge")
    assert way["server"] == {"address": "127.0.0.1", "port": port}
    last = way["recent"][-1]
    assert last["server"] == way["server"]
    assert last["clientPid"] != last["serverPid"]
    assert last["client"]["port"] > 0
    wait_for(lambda: [one for one in witnessed_node.json("edges") if one["serverServiceName"] == "front"], 30, "us")
    assert f"127.0.0.1:{port}" in witnessed_node.cli("edges").stdout
