"""Fixtures of the end-to-end tests: one node per module, apps on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import BIN, Node, running_node


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A running node; where the probes cannot run, tests that need them ask `witnessed_node`."""
    if not (BIN / "cowitness").exists():
        pytest.skip("no .venv/bin/cowitness: run `make setup` first")
    with running_node() as running:
        yield running


@pytest.fixture(scope="module")
def witnessed_node(node: Node) -> Node:
    """A node whose probes run."""
    if reason := node.unwitnessed():
        pytest.skip(f"no probes on this machine: {reason}")
    return node
