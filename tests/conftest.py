"""How tests are dealt out to the workers of pytest-xdist: what takes long first, together what tests say goes together.

At the end of the run: what was seen under which interpreter.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter

import pytest

RUN = "COWITNESS_TEST_RUN"
LONG = (
    "tests/suites/test_suites.py", "tests/test_interpreters.py", "tests/transparent/test_soak.py",
    "tests/removal/test_faults.py",
)  # fmt: skip
"""Files that take minutes: they begin first, so that nobody waits for one of them alone at the end."""



def pytest_configure() -> None:
    """Name this run; workers inherit the name."""
    os.environ.setdefault(RUN, uuid.uuid4().hex)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    sizes = Counter(group(item) for item in items)
    items.sort(key=lambda item: (not item.nodeid.startswith(LONG), -sizes[group(item)]))


def group(item: pytest.Item) -> str:
    """What goes to one worker together; the larger of them go first."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.matrix.report import interpreters, load, table

    found = load(os.environ[RUN])
    for part in (table(found), interpreters(found)):
        if part.count("\n") > 2:
            terminalreporter.write_line("\n" + part)
