"""Start-up time and memory of each process of a node.

    .venv/bin/python bench/node.py [--starts 3]

Start-up is the wall time from exec to the first answer of the API (as the command line sees it). Memory is the
resident set (and the proportional set, which shares pages fairly) of each process after start, by its role.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.e2e.harness import Node, running_node


def role(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return "probes" if " probes" in words else "inspector" if "inspector" in words else "core"


def memory(node: Node) -> None:
    for process in map(psutil.Process, node.family()):
        info = process.memory_full_info()
        print(f"  {role(process):<10} rss {info.rss / 2**20:6.1f} MiB   pss {info.pss / 2**20:6.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=3)
    for _ in range(parser.parse_args().starts):
        before = time.monotonic()
        with running_node() as node:
            print(f"start-up {time.monotonic() - before:.2f} s, probes {'on' if node.witnesses() else 'off'}")
            memory(node)


if __name__ == "__main__":
    main()
