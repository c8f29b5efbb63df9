"""A scanner at work: one trace that says so, and an address that is refused for a time where the policy wants that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, wait_for
from tests.e2e.test_limits import app, node, visit
from tests.e2e.test_policy import change, obeyed

__all__ = ["app", "node"]
PATHS = ["/.env", "/wp-login.php", "/.git/config", "/phpmyadmin/", "/file/x?q=%3Cscript%3Ealert(1)%3C/script%3E"]
SCANNER = "192.0.2.66"


def waves(node: Node, folder: Path, **fields: Any) -> None:
    path = folder / "waves.json"
    path.write_text(json.dumps({"waves": {"requests": 20, **fields}}))
    change(node, "policy", "apply", str(path))


def scan(app: App, count: int = 25, address: str = SCANNER) -> None:
    for number in range(count):
        visit(app, PATHS[number % len(PATHS)], address)


def wave(node: Node) -> dict[str, Any]:
    return wait_for(lambda: node.traces("--category", "attack_wave"), 30, "the wave")[0]


def test_a_wave_is_told(node: Node, app: App, tmp_path: Path) -> None:
    """By default nobody is refused for it: one trace with the address, the count, the rules and paths, beside those of
    the requests; nothing of it for fewer."""
    waves(node, tmp_path)
    scan(app, 15, "192.0.2.1")
    scan(app)
    found = wave(node)
    finding = found["findings"][0]
    assert (found["request"]["clientAddress"], finding["tags"][0]) == (SCANNER, "T1595")
    assert all(word in finding["value"] for word in ("requests in", "shop", "scanner-003", "/.env"))
    assert SCANNER in node.cli("trace", found["id"]).stdout
    assert visit(app, "/", SCANNER) == 200
    assert node.cli("blocked").stdout == "nobody is listed\n"
    assert len(node.traces("--category", "attack_wave")) == 1
    assert len(node.traces("--category", "security_scanner", "--address", SCANNER)) == 20


def test_its_address_is_refused_for_a_time(node: Node, app: App, tmp_path: Path) -> None:
    """In every worker, with the reason and the end in the list; others are served, who is on the pass list is not
    listed; after the time it is served again."""
    waves(node, tmp_path, action="block", lasting=8)
    change(node, "pass", "192.0.2.7")
    scan(app, address="192.0.2.7")
    scan(app)
    wait_for(lambda: {visit(app, "/", SCANNER) for _ in range(12)} == {403}, 30, "the refusals")
    assert visit(app, "/", "192.0.2.1") == 200
    assert visit(app, "/", "192.0.2.7") == 200
    listed = {one["subject"]: one for one in node.json("blocked") if one["list"] == "block"}
    assert set(listed) == {SCANNER}
    assert (listed[SCANNER]["reason"], "expires" in listed[SCANNER]) == ("attack wave", True)
    traces = node.traces("--category", "attack_wave")
    assert {one["request"]["clientAddress"]: one["action"] for one in traces}[SCANNER] == "ACTION_BLOCKED"
    wait_for(lambda: visit(app, "/", SCANNER) == 200, 60, "the end of it")


def test_who_is_suspicious_is_refused_for_what_others_are_not(node: Node, app: App, tmp_path: Path) -> None:
    """Harmless requests go on, those in which a rule finds something do not, though nothing is in block mode."""
    waves(node, tmp_path, action="suspicious")
    scan(app)
    wait_for(lambda: visit(app, "/.env", SCANNER) == 403, 30, "suspicion")
    assert visit(app, "/", SCANNER) == 200
    assert visit(app, "/.env", "192.0.2.1") == 404
    assert "suspicious" in node.cli("blocked").stdout


@pytest.mark.parametrize("who", ["address", "user"])
def test_beyond_a_limit_for_a_time(node: Node, app: App, tmp_path: Path, who: str) -> None:
    """A limit with `lasting` puts who goes beyond it on the block list: then it is 403 on every path; taken off it, all
    is as before."""
    path = tmp_path / "limits.json"
    limit = {"name": "few", "requests": 5, "seconds": 600, "key": who, "path": "/file/*", "action": "block"}
    path.write_text(json.dumps({"limits": [{**limit, "lasting": 600}]}))
    change(node, "policy", "apply", str(path))
    assert [visit(app, "/file/a?user=17", SCANNER) for _ in range(6)] == [200] * 5 + [429]
    wait_for(lambda: {visit(app, "/?user=17", SCANNER) for _ in range(12)} == {403}, 30, "the refusals")
    subject = SCANNER if who == "address" else "user:17"
    assert [one["subject"] for one in node.json("blocked")] == [subject]
    version = int(node.json("unblock", subject)[0]["version"])
    wait_for(lambda: obeyed(node, version), 30, "the agents")
    assert visit(app, "/?user=17", SCANNER) == 200
