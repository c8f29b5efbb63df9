"""Rate limits, seen by clients of an app with two workers, behind two inspectors that count together."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, running_node, wait_for
from tests.e2e.test_policy import asked, change, serving

WINDOW = 600


@pytest.fixture
def node() -> Iterator[Node]:
    """It believes a proxy on loopback about addresses, and has two inspectors."""
    with running_node("--no-probes") as one:
        one.stop()
        lines = '[detect]\ntrusted_proxies = ["127.0.0.1"]\n[inspector]\nworkers = 2\n'
        one.config.write_text(one.config.read_text() + lines)
        yield one.start()


@pytest.fixture
def app(node: Node, tmp_path: Path) -> Iterator[App]:
    with serving(node, tmp_path) as one:
        yield one


def limit(node: Node, folder: Path, **fields: Any) -> None:
    """Put one limit in force."""
    path = folder / "limits.json"
    path.write_text(json.dumps({"limits": [{"name": "test", "seconds": WINDOW, "action": "block", **fields}]}))
    change(node, "policy", "apply", str(path))


def visit(app: App, path: str, address: str) -> int:
    return asked(app, path, **{"X-Forwarded-For": address})[0]


def many(app: App, count: int, path: str = "/file/login", address: str = "192.0.2.1") -> Counter[int]:
    """Statuses by number, of requests that come on 8 connections at a time."""
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda _: visit(app, path, address), range(count)))


def test_two_workers_and_two_inspectors_count_together(node: Node, app: App, tmp_path: Path) -> None:
    """Of 200 requests at once 40 are served, but for the few that are counted at the same moment, and the view of no
    other runs; another address, and another path, has its own count."""
    limit(node, tmp_path, requests=40, path="/file/login")
    (tmp_path / "seen").write_text("")
    found = many(app, 200)
    assert set(found) == {200, 429}
    assert 40 <= found[200] <= 60
    assert len((tmp_path / "seen").read_text().splitlines()) == found[200]
    assert many(app, 20, address="192.0.2.2") == {200: 20}
    assert many(app, 60, path="/file/other") == {200: 60}

    def served() -> set[int]:
        agents = node.json("agents")
        return {one["process"]["pid"] for one in agents if int(one["counters"].get("requests", 0)) > 1}

    def refused() -> bool:
        return int(node.json("hosts")[0]["counters"].get("agent.verdicts.block", 0)) == found[429]

    wait_for(lambda: len(served()) == 2, 30, "requests of both workers")
    wait_for(refused, 30, "the inspectors' totals")


def test_what_a_client_hears(node: Node, app: App, tmp_path: Path) -> None:
    """429 with the seconds to wait and an id that leads to the trace, which says which limit it was; without the limit
    it is served at once."""
    limit(node, tmp_path, requests=1)
    visit(app, "/", "192.0.2.1")
    request = urllib.request.Request(app.base + "/", headers={"X-Forwarded-For": "192.0.2.1"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    answer, body = caught.value, json.loads(caught.value.read())
    assert (answer.code, body["errors"][0]["title"]) == (429, "Too many requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 2 * WINDOW
    name = body["security_response_id"]
    trace = wait_for(lambda: [one for one in node.traces() if one["id"] == name], 30, "the trace")[0]
    finding = trace["findings"][0]
    assert (finding["ruleId"], finding["parameter"], finding["value"]) == ("policy-limit", "test", "192.0.2.1")
    assert (trace["action"], trace["request"]["statusCode"]) == ("ACTION_BLOCKED", 429)
    (tmp_path / "none.json").write_text("{}")
    change(node, "policy", "apply", str(tmp_path / "none.json"))
    assert visit(app, "/", "192.0.2.1") == 200


def test_who_waits_is_served(node: Node, app: App, tmp_path: Path) -> None:
    """After the seconds that Retry-After says."""
    limit(node, tmp_path, requests=2, seconds=2)
    assert wait_for(lambda: visit(app, "/", "192.0.2.1") == 429, 20, "a refusal")
    request = urllib.request.Request(app.base + "/", headers={"X-Forwarded-For": "192.0.2.1"})
    end = time.monotonic() + 30
    while True:
        assert time.monotonic() < end
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 200
                return
        except urllib.error.HTTPError as error:
            time.sleep(int(error.headers["Retry-After"]))


def test_users(node: Node, app: App, tmp_path: Path) -> None:
    """By user, whatever addresses they come from; others are not harmed."""
    limit(node, tmp_path, requests=5, key="user")
    found = [visit(app, "/?user=17", f"192.0.2.{number}") for number in range(20)]
    assert found == [200] * 5 + [429] * 15
    assert visit(app, "/?user=18", "192.0.2.1") == 200


def test_an_app_that_does_not_wait(node: Node, tmp_path: Path) -> None:
    """In monitor mode that was asked for nothing is refused, and what is too much is found all the same."""
    with serving(node, tmp_path, COWITNESS_MODE="monitor") as app:
        limit(node, tmp_path, requests=5)
        assert many(app, 10) == {200: 10}
        found = wait_for(lambda: node.traces("--category", "rate_limit"), 30, "the finding")
        assert {one["action"] for one in found} == {"ACTION_MONITORED"}
