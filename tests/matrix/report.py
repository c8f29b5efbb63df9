"""What the matrix showed, cell by cell: kept in .cache/, printed at the end of a run, written to docs/compatibility.md.

`python -m tests.matrix.report` writes the page from the last run of tests/matrix and tests/test_interpreters.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
from pathlib import Path

from tests.conftest import RUN
from tests.matrix.interpreters import SYSTEMS, VERSIONS
from tests.matrix.rows import Row, rows

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".cache" / "matrix.json"
PAGE = ROOT / "docs" / "compatibility.md"
COLUMNS = ("detected", "inputs", "kernel", "blocked", "exception", "logins")
HEAD = """# Compatibility

What was seen, not what is hoped: each row is a site under a real server, with the agent in it and a node beside it,
asked by HTTP. Made by `make compatibility` on {system}; not written by hand. *detected*: the framework as the
record names it; *inputs*: where an attack was found; *kernel*: how the exec that followed is tied to its request;
*blocked*: the answer to the attack in block mode, nothing executed; *exception*: what the record says of a view that
failed; *logins*: outcomes told without or (WSGI, ASGI) with the SDK. `no` means that it was tried and not seen.
"""

SYSTEMS_HEAD = """## Interpreters and systems

The agent's own tests (`tests/pyagent`) by interpreter. One with a processor's name is that processor's build: i686 is
run by this machine's own processor, AArch64 by an emulator on it.
"""


def note(row: Row | str, column: str, value: str) -> None:
    """Write down what this run saw; several processes may do so at once."""
    name = row if isinstance(row, str) else row.name
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = load()
        run = os.environ[RUN]
        cells = found.get(name, {})
        found[name] = {**(cells if cells.get("run") == run else {"run": run}), column: value}
        FILE.write_text(json.dumps(found, indent=1))


def load(run: str = "") -> dict[str, dict[str, str]]:
    """The results by row name and column: all that are kept, or those of one run."""
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    return {name: cells for name, cells in found.items() if run in ("", cells.get("run"))}


def table(found: dict[str, dict[str, str]]) -> str:
    """The matrix in Markdown, in the order of the rows; rows that were not run are left out."""
    lines = ["| framework | server | CPython | " + " | ".join(COLUMNS) + " |", "|" + "---|" * (3 + len(COLUMNS))]
    for row in rows():
        cells = found.get(row.name)
        if cells is None:
            continue
        values = [cells.get(column, "no") for column in COLUMNS]
        if "absent" in cells:
            values = [cells["absent"], *[""] * (len(COLUMNS) - 1)]
        lines.append("| " + " | ".join([row.framework, row.server, row.version, *values]) + " |")
    return "\n".join(lines) + "\n"


def interpreters(found: dict[str, dict[str, str]]) -> str:
    """What became of the agent's own tests under each interpreter, in Markdown."""
    lines = ["| interpreter | release | tests | result |", "|---|---|---|---|"]
    for name in (f"CPython {version}" for version in VERSIONS + SYSTEMS):
        if name in found:
            cells = found[name]
            values = [cells.get(column, "") for column in ("release", "tests", "result")]
            lines.append("| " + " | ".join([name, *values]) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page."""
    found = load()
    system = f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}"
    parts = [HEAD.format(system=system), table(found), SYSTEMS_HEAD, interpreters(found)]
    PAGE.write_text("\n".join(parts))
    print(f"{PAGE.relative_to(ROOT)}: {len(found)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
