"""A node for all suites, and the counts at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, running_node
from tests.suites.report import PROPERTY, table


@pytest.fixture(scope="session")
def suites_node() -> Iterator[Node]:
    """A node that every watched run talks to."""
    with running_node() as node:
        yield node


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The rows that tests recorded, also in other processes."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    if rows := [row for name, row in properties if name == PROPERTY]:
        terminalreporter.write_line("\n" + table(sorted(set(rows))))
