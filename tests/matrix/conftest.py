"""A node for all rows, and the matrix at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, running_node
from tests.matrix.report import Cells, table

CELLS = Cells()


@pytest.fixture(scope="session")
def matrix_node() -> Iterator[Node]:
    """A node whose probes run; skips where they cannot."""
    with running_node() as node:
        if not node.witnesses():
            pytest.skip("no probes on this machine: " + str(node.json("hosts")[0].get("probesReason")))
        yield node


@pytest.fixture(scope="session")
def cells() -> Iterator[Cells]:
    """Where rows note what they saw."""
    yield CELLS
    CELLS.save()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CELLS.found:
        terminalreporter.write_line("\n" + table(CELLS.found))
