"""The counts of each run, printed at the end of the session."""

from __future__ import annotations

from tests.suites.running import Run

PROPERTY = "suite counts"
HEAD = "| suite | CPython | run | tests | passed | skipped | expected failures | failed | other than bare | requests |"
WELL = ("passed", "skipped", "xfail skipped")


def row(run: Run, differing: int | None) -> str:
    """The table's row of one run; a test with several outcomes (subtests) is counted for each."""
    counts = run.counts()
    values = [
        run.suite.name, run.suite.python, run.mode, len(run.outcomes), *(counts[kind] for kind in WELL),
        counts.total() - sum(counts[kind] for kind in WELL), "" if differing is None else differing,
        run.status.get("counters", {}).get("requests", ""),
    ]  # fmt: skip
    return "| " + " | ".join(map(str, values)) + " |"


def table(rows: list[str]) -> str:
    """All of them in Markdown."""
    return "\n".join([HEAD, "|" + "---|" * (HEAD.count("|") - 1), *rows]) + "\n"
