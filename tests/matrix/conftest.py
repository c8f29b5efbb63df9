"""A node for all rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, running_node


@pytest.fixture(scope="session")
def matrix_node() -> Iterator[Node]:
    """A node whose probes run; skips where they cannot."""
    with running_node() as node:
        if reason := node.unwitnessed():
            pytest.skip(f"no probes on this machine: {reason}")
        yield node
