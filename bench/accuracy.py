"""How many labelled attacks the rules find, and how much that is no attack.

    .venv/bin/python bench/accuracy.py --corpus DIR [--misses 20] [--half 0|1] [--only NAME] [--json]

DIR holds labelled requests, `*.jsonl.gz`, one JSON document a line: id, source, category, malicious, method, path,
query, headers, body (text or null) or body_b64 or raw_b64; for the regression tests of the Core Rule Set also
expect_rule, level and phase. Every file is judged twice: in monitor mode (what was flagged) and in block mode with
`detect.block_score` (what would have been refused). A case belongs to one of two halves by the digest of its id, so
that one half can be kept from whoever writes rules; the figures of both are printed.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.cli.plain_request import record
from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Process
from collector.wire.agent import Ask, RequestRecord

PROCESS = Process(pid=1, service="bench")


def cases(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            case = json.loads(line)
            if case.get("phase", "request") == "request":
                yield case


def request(case: dict[str, Any]) -> RequestRecord:
    """The record of a case, as the agent of a server that read it from the wire would send it."""
    if case.get("raw_b64"):
        return _raw(base64.b64decode(case["raw_b64"]))
    body = base64.b64decode(case["body_b64"]) if case.get("body_b64") else case["body"]
    target = (case["path"] + ("?" + case["query"] if case["query"] else "")).replace(" ", "%20")
    headers = [(name, str(value).replace("\r", " ").replace("\n", " ")) for name, value in case["headers"].items()]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.append(("Host", "127.0.0.1:8000"))
    if "content-length" not in names and (body is not None or case["method"] in ("POST", "PUT", "PATCH")):
        size = len(body if isinstance(body, bytes) else (body or "").encode("utf-8", "surrogateescape"))
        headers.append(("Content-Length", str(size)))
    return record(case["method"], _clean(target), [(n, _clean(v)) for n, v in headers], _clean(body))


def _clean(text: Any) -> Any:
    return text.encode("utf-8", "replace").decode("utf-8") if isinstance(text, str) else text


def _raw(data: bytes) -> RequestRecord:
    head, _, body = data.decode("latin-1").replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, target = [*first.split(" "), "", ""][:2]
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return record(method, target, headers, body)


def half(case: dict[str, Any]) -> int:
    return hashlib.sha256(case["id"].encode()).digest()[0] & 1


class Tally:
    """Flagged, refused and all, by label, category and half."""

    def __init__(self) -> None:
        self.counts: dict[tuple[bool, str, int], Counter[str]] = defaultdict(Counter)
        self.missed: list[str] = []

    def add(self, case: dict[str, Any], flagged: bool, refused: bool, rules: list[str]) -> None:
        count = self.counts[bool(case["malicious"]), case["category"], half(case)]
        count["all"] += 1
        count["flagged"] += flagged
        count["refused"] += refused
        if flagged != bool(case["malicious"]):
            self.missed.append(f"{half(case)} {case['id']} {case['category']} {' '.join(rules)} {_shown(case)}")

    def rate(self, malicious: bool, what: str, only: int | None = None, category: str | None = None) -> tuple[int, int]:
        chosen = [
            count for (label, name, part), count in self.counts.items()
            if label == malicious and only in (None, part) and category in (None, name)
        ]  # fmt: skip
        return sum(count[what] for count in chosen), sum(count["all"] for count in chosen)

    def show(self) -> None:
        for malicious in (True, False):
            word = "attacks" if malicious else "harmless"
            names = sorted({name for label, name, _ in self.counts if label == malicious})
            for name in [*names, None] if names else []:
                parts = [self.rate(malicious, *key, name) for key in
                         (("flagged", None), ("flagged", 0), ("flagged", 1), ("refused", None))]  # fmt: skip
                print(f"  {word:9} {name or 'ALL':22} {parts[0][1]:6}" + "".join(_percent(*part) for part in parts))


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:9.2f}%" if total else "        - "


def _shown(case: dict[str, Any]) -> str:
    headers = {k: v for k, v in case["headers"].items() if k.lower() not in ("user-agent", "accept", "accept-language")}
    parts = (case["method"], case["path"], case["query"], case.get("body"), case.get("payload"), headers)
    return " | ".join(str(part)[:400] for part in parts if part)


def judged(judge: Judge, case: dict[str, Any], tally: Tally) -> None:
    asked = request(case)
    report = judge.report(asked, PROCESS, True)
    rules = sorted({finding.rule_id for finding in report.findings}) if report else []
    verdict = judge.verdict(Ask(asked), PROCESS, "block")
    tally.add(case, bool(rules), verdict.action == "block", rules)


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the directory with the labelled files")
    parser.add_argument("--only", default="", help="only the files whose name holds this")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only the cases of this half")
    parser.add_argument("--misses", type=int, default=0, help="show so many cases that were judged wrongly")
    parser.add_argument("--block-score", type=int, default=5, help="detect.block_score of the second judgement")
    options = parser.parse_args()
    judge = Judge(DetectSettings(block_score=options.block_score))
    for file in sorted(options.corpus.glob("*.jsonl.gz")):
        if options.only not in file.name:
            continue
        tally = Tally()
        for case in cases(file):
            if options.half in (None, half(case)):
                judged(judge, case, tally)
        print(f"{file.name.removesuffix('.jsonl.gz'):41} cases   flagged    half 0    half 1   refused")
        tally.show()
        for line in tally.missed[: options.misses]:
            print("    ", ascii(line)[1:-1][:700])


if __name__ == "__main__":
    main()
