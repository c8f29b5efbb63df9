"""What hostile requests cost an inspector: processor time for n and for 4n characters, and their ratio, in one run.

    .venv/bin/python bench/worst_cases.py [--size 131072] [--crs] [--show 20]

A ratio well above 4 is more than linear. The aim with own rules is 50 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.cli.plain_request import FORM, record
from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Process
from collector.wire.agent import RequestRecord

UNITS = (
    "x", "'", '"', "(", "%", "%25", "%2525", "\\", "\\x41", "&lt;", "&#38;", "/*", " ", "../", "+", "${IFS", "$(",
    "' or 1=1 ", "union(", "\0", ";", "a=1&", "<a on", "{{", "= \t", "://a", "password=", "a''a", "\ufdfa", "YWJj",
)  # fmt: skip
WORDS = [
    "select", "from", "where", "'a'", "union", "or", "and", "(", ")", ";", "--", "/*", "*/", "<script", "onload=", "$(",
    "`", "|", "../", "%27", "\\u0027", "{{", "}}", "&lt;",
]  # fmt: skip
JSON, XML = "application/json", "application/xml"


def post(kind: str, body: str) -> RequestRecord:
    return record("POST", "/", [("content-type", kind)], body)


def classes() -> dict[str, Callable[[int], RequestRecord]]:
    """Requests by name, each for a size."""
    chance = random.Random(1)
    found: dict[str, Callable[[int], RequestRecord]] = {
        f"form of {unit!a}": lambda n, unit=unit: post(FORM, "a=" + unit * (n // len(unit))) for unit in UNITS
    }  # fmt: skip
    return found | {
        "parameters": lambda n: post(FORM, "&".join(f"p'{i}=%2527{i}" for i in range(n // 14))),
        "deep JSON": lambda n: post(JSON, "[" * (n // 2) + "]" * (n // 2)),
        "wide JSON": lambda n: post(JSON, json.dumps([f"v'{i}" for i in range(n // 10)])),
        "XML": lambda n: post(XML, "<a b='c'>d'" * (n // 11)),
        "cookies": lambda n: record("GET", "/", [("cookie", "; ".join(f"c{i}=v'{i}" for i in range(n // 12)))], None),
        "attack words": lambda n: post("text/plain", " ".join(chance.choices(WORDS, k=n // 5))),
        "random": lambda n: post(FORM, "a=" + "".join(chance.choices([chr(c) for c in range(33, 127)], k=n))),
    }


def spent(judge: Judge, one: RequestRecord) -> float:
    """Milliseconds, the least of three times: what a rule makes when it is first asked is made once."""
    took = []
    for _ in range(3):
        before = time.process_time()
        judge.report(one, Process(pid=1, service="bench"), True)
        took.append((time.process_time() - before) * 1e3)
    return min(took)


def main() -> None:
    """Print a line for each class, the dearest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=131072, help="characters of the larger request")
    parser.add_argument("--crs", action="store_true", help="with the Core Rule Set")
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    judge = Judge(DetectSettings(crs=options.crs))
    spent(judge, post(FORM, "a=' or 1=1"))
    sizes = (options.size, options.size // 4)
    rows = [(*(spent(judge, make(size)) for size in sizes), name) for name, make in classes().items()]
    for large, small, name in sorted(rows, reverse=True)[: options.show]:
        print(f"{name:28} {small:8.2f} ms {large:8.2f} ms   x{large / small:.1f}")


if __name__ == "__main__":
    main()
