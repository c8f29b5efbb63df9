"""Clients of a listed country, behind a proxy that is trusted: refused by command, served again by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector.policy.mmdb import write
from tests.e2e.harness import running_node, wait_for
from tests.e2e.test_limits import visit
from tests.e2e.test_policy import change, serving


def test_a_country(tmp_path: Path) -> None:
    """Every worker refuses it, with a trace that says which; others are served, and who is on the pass list."""
    database = tmp_path / "countries.mmdb"
    write(database, {"192.0.2.0/24": "DE", "198.51.100.0/24": "FR"})
    with running_node("--no-probes") as node:
        node.stop()
        lines = f'[detect]\ntrusted_proxies = ["127.0.0.1"]\n[policy]\ncountry_database = "{database}"\n'
        node.config.write_text(node.config.read_text() + lines)
        node.start()
        with serving(node, tmp_path) as app:
            change(node, "block", "country:DE", "--reason", "export rules")
            change(node, "pass", "192.0.2.9")
            assert {visit(app, "/", "192.0.2.1") for _ in range(12)} == {403}
            assert [visit(app, "/", who) for who in ("198.51.100.1", "192.0.2.9", "127.0.0.1")] == [200] * 3
            trace = wait_for(lambda: node.traces("--address", "192.0.2.1"), 30, "the trace")[0]
            finding = trace["findings"][0]
            assert (finding["ruleId"], finding["value"], finding["statement"]) == (
                "policy-country", "country:DE", "export rules"
            )  # fmt: skip
            assert "country:DE" in node.cli("blocked").stdout
            change(node, "unblock", "country:DE")
            assert visit(app, "/", "192.0.2.1") == 200


@pytest.mark.parametrize("command", ["block", "pass"])
def test_without_a_database(tmp_path: Path, command: str) -> None:
    """The command says which setting is missing, and the policy stays as it is."""
    with running_node("--no-probes") as node:
        done = node.ask(command, "country:DE")
        assert done.returncode != 0
        assert "policy.country_database" in done.stderr
        assert node.cli("blocked").stdout == "nobody is listed\n"
