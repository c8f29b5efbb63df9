"""Round trip of a verdict through a real inspector: what a blocking app waits for it.

    .venv/bin/python bench/verdict.py [--asks 5000] [--batches]

A node of its own is started. One connection asks, one question at a time, as a thread of an app does: first about a
harmless request, then about an attack, then about a statement of it. With --batches a second connection sends batches
of 200 requests all the while, which the same inspectors have to judge.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.collector.support import ACK, ASK, BATCH, VERDICT, Agent, Daemon, attack_record, new_id, running_daemon

HEADERS = [["host", "shop.example"], ["user-agent", "bench/1"], ["cookie", "sessionid=" + "a" * 32]]


def request(query: str) -> dict[str, Any]:
    return {
        "type": "request", "phase": "start", "request_id": new_id(), "method": "GET", "path": "/search",
        "query": query, "target": "/search?" + query, "headers": HEADERS, "start_time": time.time_ns(),
    }  # fmt: skip


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    attack = "q=x%27+union+select+password+from+users--"
    statement = "select title from books where title = 'x' union select password from users--'"
    yield "harmless request", {"request": request("q=the+old+man+and+the+sea&page=2")}
    yield "attack", {"request": request(attack)}
    operation = {"index": 0, "kind": "sql", "text": statement, "dialect": "sqlite"}
    yield "attack and statement", {"request": request(attack), "operation": operation}


def ask(agent: Agent, question: dict[str, Any], count: int) -> list[float]:
    """Seconds of each round trip, sorted."""
    took = []
    for _ in range(count):
        before = time.perf_counter()
        agent.ask(ASK, question, VERDICT)
        took.append(time.perf_counter() - before)
    return sorted(took)


def load(daemon: Daemon, stopping: threading.Event) -> None:
    """Batches, each sent when the one before is acknowledged."""
    with Agent(daemon.agent_socket) as agent:
        while not stopping.is_set():
            records = [attack_record(new_id(), "select 1", "plain words") for _ in range(200)]
            agent.ask(BATCH, {"records": records}, ACK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=5000)
    parser.add_argument("--batches", action="store_true")
    options = parser.parse_args()
    stopping = threading.Event()
    with running_daemon(probes={"enabled": False}) as daemon:
        loader = threading.Thread(target=load, args=(daemon, stopping))
        if options.batches:
            loader.start()
        with Agent(daemon.agent_socket, role="verdict", mode="block") as agent:
            for name, question in questions():
                ask(agent, question, 200)
                took = ask(agent, question, options.asks)
                p50, p99 = (1e6 * took[int(len(took) * share)] for share in (0.5, 0.99))
                print(f"{name:<22} p50 {p50:7.0f} us   p99 {p99:7.0f} us   {os.cpu_count()} processors")
        stopping.set()
        if options.batches:
            loader.join()


if __name__ == "__main__":
    main()
