"""What the agent, and what the probes add to a server's requests: a whole node, a real server, wrk.

    .venv/bin/python bench/kernel_server.py [--rounds 5] [--workers 1]

Gunicorn with a worker and a small Flask app, one beside the other: bare, with the agent and a node without probes, with
the agent and a whole node (which is started after the other two have been measured in a round, and ends with it). The
workers have the first processor for themselves, nodes and wrk the others: what the node works is told beside it and not
taken from the server. CPU of the workers for a request and requests a second, medians of the rounds, and the probes'
part: the median of the rounds' ratios of the last two. Then the CPU of the node's processes for a request, and the time
of the probes' programs as the kernel counts it: other work on the host is in both. Needs root, wrk and two processors.
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

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.kernel_load import part, settled
from bench.kernel_peers import Server, Times, serving
from tests.e2e.harness import BIN, Node, running_node, wait_for

SECONDS = 5
FIRST, *OTHERS = sorted(os.sched_getaffinity(0))
ALONE = ["taskset", "-c", str(FIRST)]


@contextlib.contextmanager
def under(node: Node, folder: Path, workers: int) -> Iterator[Server]:
    """The server under the agent, each worker known, and watched where there are probes."""
    environment = {"COWITNESS_RUN_DIR": str(node.run_dir), "COWITNESS_SERVICE": "served"}
    command = [*ALONE, str(BIN / "cowitness-run")]
    with serving(folder, os.getuid(), *command, workers=workers, **environment) as one:
        probed = node.witnesses()

        def ready() -> bool:
            one.load(0.1)
            agents = [agent for agent in node.json("agents") if agent["connected"]]
            return len(agents) > workers and (not probed or all(agent["witnessed"] for agent in agents))

        wait_for(ready, 60, "the workers are known")
        yield one


def in_kernel(node: Node) -> float:
    """Seconds for which the kernel ran the probes' programs until now."""
    return sum(part(settled(node), "program_ns.").values()) / 1e9


def spent(node: Node) -> float:
    """Seconds of CPU that the node's processes took until now."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in node.family())


class Whole:
    """What a whole node, and its probes' programs, took for a request in each round."""

    def __init__(self) -> None:
        self.times, self.node, self.kernel = list[Times](), list[float](), list[float]()

    def measure(self, folder: Path, workers: int) -> None:
        with running_node() as node, under(node, folder, workers) as watched:
            kernel, before = in_kernel(node), spent(node)
            self.times.append(watched.load(SECONDS))
            requests = SECONDS * workers / self.times[-1][0]
            self.kernel.append((in_kernel(node) - kernel) / requests)
            self.node.append((spent(node) - before) / requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    os.sched_setaffinity(0, OTHERS)
    workers, bare, agent, whole = options.workers, list[Times](), list[Times](), Whole()
    with tempfile.TemporaryDirectory() as name, running_node("--no-probes") as node:
        folder = Path(name)
        with serving(folder, os.getuid(), *ALONE, workers=workers) as server, under(node, folder, workers) as known:
            for done in range(options.rounds):
                bare.append(server.load(SECONDS))
                agent.append(known.load(SECONDS))
                whole.measure(folder, workers)
                print(f"{done + 1} of {options.rounds}", file=sys.stderr)
    for what, times in (("bare", bare), ("with the agent", agent), ("with agent and probes", whole.times)):
        wall, cpu = (statistics.median(one[at] for one in times) for at in (0, 1))
        print(f"{what}: {cpu * 1e6:.0f} µs of CPU a request, {workers / wall:.0f} requests/s")
    pairs = list(zip(agent, whole.times, strict=True))
    wall, cpu = (statistics.median(after[at] / before[at] for before, after in pairs) for at in (0, 1))
    print(f"the probes' part: CPU x{cpu:.3f}, time x{wall:.3f}")
    own, cost = statistics.median(whole.kernel), statistics.median(cpu for _, cpu in agent)
    print(f"their programs in the kernel: {own * 1e6:.1f} µs a request, the whole host's: {own / cost * 100:.1f} %")
    print(f"the whole node: {statistics.median(whole.node) * 1e6:.0f} µs of CPU a request")


if __name__ == "__main__":
    main()
