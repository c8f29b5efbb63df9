"""What the agent adds to a request for every framework and CPython of the matrix, and what others add there.

    .venv/bin/python bench/matrix_cost.py [--only TEXT]... [--quick] [--markdown FILE]

For each case a site without an agent, with Cowitness, with OpenTelemetry's auto-instrumentation and with ddtrace and
its ASM (where these exist for that CPython) are started together and take turns. A node with probes (where they can
run) is up, so that marks are traced and records are really sent. Environments come from tests/matrix and are made
when missing.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.matrix.measure import Result, measured
from bench.matrix.page import columns, line, markdown
from bench.matrix.sides import SIDES, cases
from tests.e2e.harness import Node, running_node
from tests.matrix.environments import AbsentError


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help='cases with this text: "Flask 3 / 3.13"; again')
    parser.add_argument("--rounds", type=int, default=5, help="rounds of turns (5) for each start")
    parser.add_argument("--starts", type=int, default=1, help="how often all processes are started anew (1)")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a turn (0.1)")
    parser.add_argument("--sides", default=",".join(side.name for side in SIDES), help="what is compared with bare")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--markdown", type=Path, help="write the page to this file")
    found = parser.parse_args()
    if found.quick:
        found.rounds, found.starts, found.seconds = 1, 1, 0.02
    return found


def run(options: argparse.Namespace, node: Node) -> tuple[list[Result], list[str]]:
    """All cases, told as they come; those that this machine cannot run as lines for the page."""
    sides = [side for side in SIDES if side.name == "bare" or side.name in options.sides.split(",")]
    texts = options.only or [""]
    wanted = [row for row in cases() if any(text in f"{row.framework} / {row.version}" for text in texts)]
    results: list[Result] = []
    absent: dict[str, list[str]] = {}
    for number, row in enumerate(wanted, 1):
        try:
            found = measured(row, sides, node.run_dir, options.rounds, options.starts, options.seconds)
        except AbsentError as error:
            absent.setdefault(str(error), []).append(row.framework)
            continue
        results.append(found)
        print(f"[{number:>2}/{len(wanted)}] {line(found)}", flush=True)
        for name, reason in found.reasons.items():
            print(f"        no {name}: {reason}", flush=True)
    return results, [f"- {reason}: {', '.join(frameworks)}." for reason, frameworks in absent.items()]


def main() -> None:
    options = arguments()
    with running_node() as node:
        on = node.witnesses()
        print(f"probes {'on' if on else 'off'}; us, plain / search / JSON; " + " | ".join(columns()), flush=True)
        results, absent = run(options, node)
    if options.markdown:
        page = markdown(
            results, absent, seconds=options.seconds, rounds=options.rounds * options.starts,
            command=shlex.join(["python", "bench/matrix_cost.py", *sys.argv[1:]]), probes=" with probes" if on else "",
        )  # fmt: skip
        options.markdown.write_text(page)


if __name__ == "__main__":
    main()
