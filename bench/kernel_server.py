"""What the agent, and what the probes add to a server's requests: a whole node, a real server, wrk.

    .venv/bin/python bench/kernel_server.py [--rounds 5]

Gunicorn with two workers and a small Flask app, one beside the other: bare, with the agent and a node without probes,
with the agent and a whole node (which is started after the other two have been measured in a round, and ends with it).
CPU of the workers for a request and requests a second, medians of the rounds, and the probes' part: the median of the
rounds' ratios of the last two. Beside it the time of the probes' programs as the kernel counts it, for a request:
other work on the host is in it, too. Needs root and wrk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.kernel_load import part, settled
from bench.kernel_peers import Server, Times, serving
from tests.e2e.harness import BIN, Node, running_node, wait_for

SECONDS = 5


@contextlib.contextmanager
def under(node: Node, folder: Path) -> Iterator[Server]:
    """The server under the agent, each worker known, and watched where there are probes."""
    environment = {"COWITNESS_RUN_DIR": str(node.run_dir), "COWITNESS_SERVICE": "served"}
    with serving(folder, os.getuid(), str(BIN / "cowitness-run"), **environment) as one:
        probed = node.witnesses()

        def ready() -> bool:
            one.load(0.1)
            agents = [agent for agent in node.json("agents") if agent["connected"]]
            return len(agents) >= 3 and (not probed or all(agent["witnessed"] for agent in agents))

        wait_for(ready, 60, "the workers are known")
        yield one


def in_kernel(node: Node) -> float:
    """Seconds for which the kernel ran the probes' programs until now."""
    return sum(part(settled(node), "program_ns.").values()) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    bare, agent, whole, kernel = list[Times](), list[Times](), list[Times](), list[float]()
    with tempfile.TemporaryDirectory() as name, running_node("--no-probes") as node:
        folder = Path(name)
        with serving(folder, os.getuid()) as server, under(node, folder) as known:
            for _ in range(rounds):
                bare.append(server.load(SECONDS))
                agent.append(known.load(SECONDS))
                with running_node() as other, under(other, folder) as watched:
                    before = in_kernel(other)
                    whole.append(watched.load(SECONDS))
                    kernel.append((in_kernel(other) - before) * whole[-1][0] / 2 / SECONDS)
    for what, times in (("bare", bare), ("with the agent", agent), ("with agent and probes", whole)):
        cpu, wall = statistics.median(cpu for _, cpu in times), statistics.median(wall for wall, _ in times)
        print(f"{what}: {cpu * 1e6:.0f} µs of CPU a request, {2 / wall:.0f} requests/s")
    pairs = list(zip(agent, whole, strict=True))
    wall, cpu = (statistics.median(after[at] / before[at] for before, after in pairs) for at in (0, 1))
    print(f"the probes' part: CPU x{cpu:.3f}, time x{wall:.3f}")
    spent, cost = statistics.median(kernel), statistics.median(cpu for _, cpu in agent)
    print(f"their programs in the kernel: {spent * 1e6:.1f} µs a request, the whole host's: {spent / cost * 100:.1f} %")


if __name__ == "__main__":
    main()
