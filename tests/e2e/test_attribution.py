"""Every exec belongs to its own request, under threads and under forked workers."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Node, free_port, running_app, wait_for, watched

APP = textwrap.dedent("""
    import subprocess
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/run")
    def run():
        return subprocess.check_output("true " + request.args["arg"], shell=True)

    @app.route("/")
    def index():
        return "ok"
""")
TOKEN = re.compile(r"token-\d+-end")


class Outcome(list[str]):
    """What is still missing; true when that is nothing, so that a failed wait shows it."""

    def __bool__(self) -> bool:
        return not len(self)


def tokens_of(trace: dict[str, Any]) -> tuple[str, list[str]]:
    """The token that the request carried, and those in its execs of /bin/echo."""
    asked = TOKEN.search(trace["request"]["urlQuery"])
    done = [" ".join(e["argv"]) for e in trace["kernelEvents"] if e["kind"] == "exec" and "echo" in e["argv"][0]]
    return asked.group() if asked else "", [token for line in done for token in TOKEN.findall(line)]


@pytest.mark.parametrize(
    ("workers", "threads", "count"), [(1, 64, 2000), (4, 16, 2000)], ids=["64-threads", "4-workers"]
)
def test_every_exec_is_its_own_requests(
    witnessed_node: Node, tmp_path: Path, workers: int, threads: int, count: int
) -> None:
    """2,000 concurrent requests that run their own command: each trace holds its own token and no other."""
    (tmp_path / "victim.py").write_text(APP)
    port, service = free_port(), f"tokens-{workers}-{threads}"
    server = f"gunicorn -w {workers} -k gthread --threads {threads} --backlog 4096 -b 127.0.0.1:{port} victim:app"
    with running_app(witnessed_node, server.split(), port, tmp_path, COWITNESS_SERVICE=service) as app:
        paths = [f"/run?arg=x%3B/bin/echo+token-{n}-end" for n in range(count)]
        with ThreadPoolExecutor(64) as pool:
            wait_for(lambda: watched(app, witnessed_node, service, workers + 1), 120, "every worker to be watched")
            statuses = Counter(status for status, _ in pool.map(app.get, paths))
        assert statuses == {200: count}
        # while the app lives: its end waits two seconds only for a node that is behind
        wait_for(lambda: Outcome(missing(witnessed_node, service, count)), 600, f"{count} complete traces")
    traces = witnessed_node.traces("--service", service)
    asked = [tokens_of(trace) for trace in traces]
    assert Counter(token for token, _ in asked) == {f"token-{n}-end": 1 for n in range(count)}
    assert [pair for pair in asked if pair[1] != [pair[0]]] == []


def missing(node: Node, service: str, count: int) -> list[str]:
    """What is not there yet: traces, their execs; with the drops that the node counted."""
    traces = node.traces("--service", service)
    bare = sum(1 for trace in traces if not tokens_of(trace)[1])
    if len(traces) >= count and not bare:
        return []
    names = ("cowitness_dropped", "cowitness_agent_dropped")
    counted = [line for line in node.metrics().splitlines() if line.startswith(names)]
    drops = [line for line in counted if not line.endswith(" 0.0")]
    return [f"{len(traces)} of {count} traces, {bare} without their exec", *drops]
