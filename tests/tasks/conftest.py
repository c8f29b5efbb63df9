"""A node and a real Redis for the queues."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from tests.e2e.harness import Node, free_port, running_node, wait_for


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """The port of a redis-server on loopback that keeps nothing."""
    if not (program := shutil.which("redis-server")):
        pytest.skip("no redis-server on this machine")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cw-redis-") as folder:
        words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
        try:
            ping = ["redis-cli", "-p", str(port), "ping"]
            wait_for(lambda: subprocess.run(ping, capture_output=True).stdout == b"PONG\n", 20, "redis-server")
            yield port
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def tasks_node() -> Iterator[Node]:
    """A node for all of them."""
    with running_node() as node:
        yield node
