"""A client that is refused a thousand times: what is kept of it, what is counted, what is said of the rest."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.harness import running_node, wait_for
from tests.e2e.test_policy import asked, change, serving

COUNT = 600


def test_a_flood_of_refusals(tmp_path: Path) -> None:
    """The first 60 of a minute are traces, the last of these counts the others; a refused client's id leads there; an
    attack of the same minute is kept; metrics and the list of hosts say what was left out and whose it was."""
    with running_node("--no-probes") as node, serving(node, tmp_path) as app:
        change(node, "block", "127.0.0.1", "--reason", "flood")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: asked(app, f"/file/{number}"), range(COUNT)))
        assert {status for status, _ in answers} == {403}

        def counted() -> int:
            traces = node.traces("--category", "policy")
            return len(traces) + sum(int(one["repeatCount"]) for one in traces)

        wait_for(lambda: counted() == COUNT, 60, f"all of them kept or counted, not {counted()}")
        traces = node.traces("--category", "policy")
        assert 60 <= len(traces) <= 120  # a minute may have passed meanwhile
        kept = {one["id"] for one in traces}
        ids = [json.loads(body)["security_response_id"] for _, body in answers]
        gone = next(one for one in ids if one not in kept)
        said = node.ask("trace", gone)
        assert said.returncode != 0
        assert f"the trace {gone} was not kept" in said.stderr
        holder = said.stderr.partition("; trace ")[2][:16]
        shown = node.cli("trace", holder).stdout
        assert "more requests like this one" in " ".join(shown.split())
        change(node, "unblock", "127.0.0.1")
        asked(app, "/run?word=x%3Bcat+/proc/version")
        wait_for(lambda: node.traces("--verdict", "reached"), 30, "the attack")
        left_out = COUNT - len(kept)
        metrics = node.metrics()
        assert f'cowitness_dropped_total{{reason="repeated",stage="floods"}} {left_out}.0' in metrics
        assert f'cowitness_flood_sources{{client_address="127.0.0.1"}} {left_out}.0' in metrics
        assert "flood_sources.127.0.0.1" in node.cli("hosts").stdout
