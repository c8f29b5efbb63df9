"""The regression tests of the OWASP Core Rule Set against the rules as loaded here: does rule N fire, and only then.

    .venv/bin/python bench/crs_regression.py --corpus DIR [--crs DIR] [--level 1] [--misses 20]

DIR holds crs*.jsonl.gz (see bench/accuracy.py): expect_rule lists ids that must fire, `!id` those that must not. A case
counts where all its rules are loaded at this paranoia level. A rule passes when all its cases do.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.accuracy import _shown, cases, request
from collector.detect.match import cache
from collector.detect.seclang import crs
from collector.detect.seclang.program import Program

SETUP = (
    "SecAction id:2,phase:1,nolog,pass,t:none,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,"
    "setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,"
    "setvar:tx.combined_file_sizes=65535"
)
"""The limits that the tests of the rule set are written for; its own setup has none."""


def main() -> None:
    """Print the share of cases and of rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the directory with the labelled files")
    parser.add_argument("--crs", default="", help="the rules' directory (default: the distribution's)")
    parser.add_argument("--level", type=int, default=1, help="paranoia level")
    parser.add_argument("--misses", type=int, default=0, help="show so many cases that came out wrong")
    options = parser.parse_args()
    program = Program(crs.load(options.crs, options.level, SETUP), cache.directory(""))
    loaded = {rule.id for rule in program.rules}
    right, seen = defaultdict[int, int](int), defaultdict[int, int](int)
    wrong, skipped = [], 0
    for file in sorted(options.corpus.glob("crs*.jsonl.gz")):
        for case in cases(file):
            expected = [str(one) for one in case["expect_rule"]]
            ids = {int(one.lstrip("!")) for one in expected}
            if not ids <= loaded or case.get("level", 9) > options.level:
                skipped += 1
                continue
            fired = {one.rule.id for one in program.run(request(case)).fired}
            good = all((int(one.lstrip("!")) in fired) != one.startswith("!") for one in expected)
            for one in ids:
                seen[one] += 1
                right[one] += good
            if not good:
                wrong.append(f"{case['id']} expected {' '.join(expected)} got {sorted(fired)} {_shown(case)}")
    whole = sum(right[one] == seen[one] for one in seen)
    print(f"rules loaded {len(loaded)}, with tests {len(seen)}; not loaded or of a higher level: {skipped} cases")
    print(f"cases  {sum(right.values())}/{sum(seen.values())} {100 * sum(right.values()) / sum(seen.values()):.2f}%")
    print(f"rules  {whole}/{len(seen)} {100 * whole / len(seen):.2f}% with every case right")
    for one in sorted(seen):
        if right[one] < seen[one]:
            print(f"  {one} {right[one]}/{seen[one]}")
    for line in wrong[: options.misses]:
        print("   ", ascii(line)[1:-1][:600])


if __name__ == "__main__":
    main()
