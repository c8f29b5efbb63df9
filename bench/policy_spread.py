"""How long a change of the policy takes to reach many processes: from the call to the API until each agent obeys it.

    .venv/bin/python bench/policy_spread.py [--agents 100] [--changes 10]

Every agent is a process of its own, connected to a real node. It looks at its version a thousand times a second, which
is the figure's resolution, and what most of the processors' time goes to.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.cli.client import Client
from tests.e2e.harness import running_node

PATIENCE = 60.0


def serve(run_dir: str, said: Connection) -> None:
    """An app's process: says when it has heard of each version it is asked for."""
    from pyagent.core import agent as agents

    agent = agents.start({**os.environ, "COWITNESS_RUN_DIR": run_dir, "COWITNESS_SERVICE": "spread"})
    agent.stream.prepare()
    while wanted := said.recv():
        end = time.monotonic() + PATIENCE
        while agent.policy_version < wanted and time.monotonic() < end:
            time.sleep(0.001)
        said.send(time.monotonic() if agent.policy_version >= wanted else None)
    agents.stop()


def spread(client: Client, agents: list[Connection], number: int) -> tuple[float, list[float]]:
    """Milliseconds until the command was done, and until each agent obeyed."""
    version = client.policy().version + 1
    for one in agents:
        one.send(version)
    before = time.monotonic()
    client.add_policy_entry("block", f"203.0.113.{number}", "bench", 60)
    done = time.monotonic()
    heard = [one.recv() for one in agents]
    missing = heard.count(None)
    if missing:
        sys.exit(f"{missing} agents did not hear of version {version} within {PATIENCE:.0f} s")
    return (done - before) * 1e3, [(moment - before) * 1e3 for moment in heard]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--changes", type=int, default=10)
    options = parser.parse_args()
    with running_node() as node:
        pairs = [multiprocessing.Pipe() for _ in range(options.agents)]
        context = multiprocessing.get_context("fork")
        for _, theirs in pairs:
            context.Process(target=serve, args=(str(node.run_dir), theirs), daemon=True).start()
        client, mine = Client(node.run_dir), [one for one, _ in pairs]
        spread(client, mine, 0)  # all are connected after that
        print(f"{'change':>6} {'command':>9} {'p50':>7} {'last':>7}   ms, {options.agents} agents")
        lasts = []
        for number in range(1, options.changes + 1):
            done, heard = spread(client, mine, number)
            lasts.append(max(heard))
            print(f"{number:>6} {done:>9.1f} {statistics.median(heard):>7.1f} {max(heard):>7.1f}", flush=True)
        print(f"the last agent obeyed after {statistics.median(lasts):.0f} ms (median), {max(lasts):.0f} at most")
        for one in mine:
            one.send(0)


if __name__ == "__main__":
    main()
