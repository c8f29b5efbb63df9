"""A node for all rows, and the matrix at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import RUN
from tests.e2e.harness import Node, running_node
from tests.matrix.report import load, table


@pytest.fixture(scope="session")
def matrix_node() -> Iterator[Node]:
    """A node whose probes run; skips where they cannot."""
    with running_node() as node:
        if reason := node.unwitnessed():
            pytest.skip(f"no probes on this machine: {reason}")
        yield node


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if found := load(os.environ[RUN]):
        terminalreporter.write_line("\n" + table(found))
