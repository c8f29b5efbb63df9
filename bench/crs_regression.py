"""The regression tests of the OWASP Core Rule Set against the rules as loaded here: does rule N fire, and only then.

    .venv/bin/python bench/crs_regression.py --crs DIR [--corpus DIR] [--level 1] [--misses 20]

The tests are those in the rule set's source, DIR/tests/regression/tests, or, with --corpus, the labelled requests of
crs*.jsonl.gz (see bench/accuracy.py). A case counts where all its rules are loaded at this paranoia level. A rule
passes when all its cases do.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.crs_cases import Case, labelled, own
from collector.detect.match import cache
from collector.detect.seclang import crs
from collector.detect.seclang.program import Program

SETUP = (
    "SecAction id:2,phase:1,nolog,pass,t:none,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,"
    "setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,"
    "setvar:tx.combined_file_sizes=65535"
)
"""The limits that the tests of the rule set are written for; its own setup has none."""


class Score:
    """Cases that came out right, by rule."""

    def __init__(self) -> None:
        self.right, self.seen = defaultdict[int, int](int), defaultdict[int, int](int)
        self.wrong: list[str] = []
        self.skipped = 0

    def add(self, case: Case, fired: set[int]) -> None:
        good = case.fires <= fired and not case.silent & fired
        for one in case.fires | case.silent:
            self.seen[one] += 1
            self.right[one] += good
        if not good:
            expected = [*sorted(case.fires), *(f"!{one}" for one in sorted(case.silent))]
            self.wrong.append(f"{case.id} expected {expected} got {sorted(fired)} {_shown(case)}")

    def show(self, misses: int) -> None:
        whole = sum(self.right[one] == self.seen[one] for one in self.seen)
        right, seen = sum(self.right.values()), sum(self.seen.values())
        print(f"not loaded or of a higher level: {self.skipped} cases")
        print(f"cases  {right}/{seen} {100 * right / seen:.2f}%")
        print(f"rules  {whole}/{len(self.seen)} {100 * whole / len(self.seen):.2f}% with every case right")
        for one in sorted(self.seen):
            if self.right[one] < self.seen[one]:
                print(f"  {one} {self.right[one]}/{self.seen[one]}")
        for line in self.wrong[:misses]:
            print("   ", ascii(line)[1:-1][:600])


def _shown(case: Case) -> str:
    asked = case.request
    parts = (asked.method, asked.target, asked.protocol_version, asked.headers, asked.body)
    return " | ".join(str(part)[:300] for part in parts)


def main() -> None:
    """Print the share of cases and of rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crs", default="", help="the source of the rule set (default: the distribution's rules)")
    parser.add_argument("--corpus", type=Path, help="labelled files, instead of the source's own tests")
    parser.add_argument("--level", type=int, default=1, help="paranoia level")
    parser.add_argument("--misses", type=int, default=0, help="show so many cases that came out wrong")
    options = parser.parse_args()
    if not options.crs and not options.corpus:
        parser.error("needs --crs or --corpus: the distribution's package has no tests")
    program = Program(crs.load(options.crs, options.level, SETUP), cache.directory(""))
    loaded = {rule.id for rule in program.rules}
    score = Score()
    for case in labelled(options.corpus) if options.corpus else own(Path(options.crs, "tests/regression/tests")):
        if not case.fires | case.silent <= loaded or case.level > options.level:
            score.skipped += 1
        else:
            score.add(case, {one.rule.id for one in program.run(case.request).fired})
    print(f"rules loaded {len(loaded)}, with tests {len(score.seen)}")
    score.show(options.misses)


if __name__ == "__main__":
    main()
