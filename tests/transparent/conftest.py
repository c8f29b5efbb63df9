"""A node for the tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, running_node

pytest.register_assert_rewrite("tests.transparent.compare")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node without its kernel side: these tests ask what the app and its agent do."""
    with running_node("--no-probes") as one:
        yield one
