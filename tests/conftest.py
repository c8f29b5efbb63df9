"""How tests are dealt out to the workers of pytest-xdist: a file as a whole, unless tests say what goes together.

At the end of the run: what was seen under which interpreter.
"""

from __future__ import annotations

import os
import uuid

import pytest

RUN = "COWITNESS_TEST_RUN"


def pytest_configure() -> None:
    """Name this run; workers inherit the name."""
    os.environ.setdefault(RUN, uuid.uuid4().hex)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.matrix.report import interpreters, load, table

    found = load(os.environ[RUN])
    for part in (table(found), interpreters(found)):
        if part.count("\n") > 2:
            terminalreporter.write_line("\n" + part)
