"""Other kernels, as many at a time as there are processors: what each offers, and what the probes' tests come to there.

    python -m tests.kernels.report [SUITE...]

The first run fetches the kernels (some 30 MB each). Writes docs/kernels.md, where no suites are named; prints what it
writes. Ends with 1 where a test failed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.kernels.guest import run_in
from tests.kernels.packages import SUITES, Kernel, kernel
from tests.packages import UnobtainableError

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "kernels.md"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
OFFERS = [PYTHON, "-m", "tests.kernels.offers"]
TESTS = [PYTHON, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "tests/probes"]
SECONDS = 3600
"""For one command, emulated kernels included."""
HEAD = """# Kernels

What kernels offer, and what becomes of the probes' own tests (`tests/probes`) on them. Made by `make kernels`, which
starts the distribution's kernels in virtual machines; not written by hand. The first column is the machine that made
the page.
"""


@dataclass
class Seen:
    """A kernel and what was seen on it; `reasons` of what is not there."""

    release: str
    cells: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    failed: bool = False


def read(offers: str, tests: str, status: int) -> Seen:
    """From the JSON of `offers` and the last words of pytest."""
    said = json.loads(offers.strip().splitlines()[-1])
    seen = Seen(said["release"], failed=status != 0)
    for name, reason in {**said["kernel"], **said["probes"]}.items():
        seen.cells[name] = "no" if reason else "yes"
        if reason:
            seen.reasons[name] = reason
    summary = re.findall(r"(\d+) (passed|skipped|failed|errors?)", tests.strip().splitlines()[-1])
    seen.cells["tests"] = ", ".join(f"{count} {what}" for count, what in summary) or "none ran"
    return seen


def here() -> Seen:
    """This machine's own kernel."""
    offers, tests = (subprocess.run(words, capture_output=True, text=True, cwd=ROOT) for words in (OFFERS, TESTS))
    seen = read(offers.stdout, tests.stdout, tests.returncode)
    return replace(seen, release=seen.release.partition("-")[0])


def there(other: Kernel) -> Seen:
    """Another kernel, in a machine of its own."""
    offers = run_in(other, OFFERS, ROOT, SECONDS)
    if offers.status:
        raise AssertionError(f"{other.release}: {offers.output[-2000:]}")
    tests = run_in(other, TESTS, ROOT, SECONDS)
    if tests.status:
        print(tests.output[-6000:], flush=True)
    return read(offers.output, tests.output, tests.status)


def table(found: list[Seen]) -> str:
    """Rows of what was tried, columns of kernels; then the reasons."""
    names = list(dict.fromkeys(name for seen in found for name in seen.cells))
    lines = ["| | " + " | ".join(seen.release for seen in found) + " |", "|---|" + "---|" * len(found)]
    lines += [f"| {name} | " + " | ".join(seen.cells.get(name, "") for seen in found) + " |" for name in names]
    lines += ["", *(f"- {seen.release}, {name}: {why}" for seen in found for name, why in seen.reasons.items())]
    return "\n".join(lines) + "\n"


def seen(suite: str) -> Seen | str:
    """What was seen of a suite's kernel, or why there is none."""
    try:
        found = there(kernel(suite))
    except UnobtainableError as error:
        print(f"- {suite}: {error}", flush=True)
        return f"- {suite}: {error}"
    print(f"{suite}: {found.release}: {found.cells['tests']}", flush=True)
    return found


def main(words: list[str]) -> int:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        others = list(pool.map(seen, words or SUITES))
    found = [] if words else [here()]
    found += [one for one in others if isinstance(one, Seen)]
    absent = [one for one in others if isinstance(one, str)]
    page = "\n".join([HEAD, table(found), *absent]).rstrip() + "\n"
    print(page)
    if not words:
        PAGE.write_text(page)
    return int(any(one.failed for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
