"""Processes that are replaced while a server is up: which of them are agents of a node, and what was seen of them."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from tests.e2e.harness import Node, wait_for
from tests.transparent.servers import Running, Server

SECONDS = 60.0
"""How long what comes may take."""


def named(server: Server) -> Server:
    """The server whose agents say its name."""
    return replace(server, variables=(*server.variables, ("COWITNESS_SERVICE", str(server))))


def agents(one: Running, node: Node) -> set[int]:
    """Pids that are connected to the node, of the processes that this server has started."""
    known = [agent["process"] for agent in node.json("agents") if agent["connected"]]
    return {process["pid"] for process in known if process["serviceName"] == str(one.server)} - {one.process.pid}


def traced(one: Running, node: Node) -> set[int]:
    """Pids of this server that have traces, once there is one."""
    traces = wait_for(lambda: node.traces("--service", str(one.server)), SECONDS, f"a trace of {one.server}")
    return {trace["request"]["process"]["pid"] for trace in traces}


def children(pid: int) -> set[int]:
    """Pids of a process's own children."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return set(map(int, file.read().split()))


def stopped(one: Running) -> set[str]:
    """Stop the server and all that it has started; the lines of its log but for those that say who asked for what.
    Numbers are left out: they are times, pids and ports."""
    one.stop()
    wait_for(lambda: not _any_left(one.process.pid), SECONDS, "the end of every process")
    lines = {re.sub(r"\d+", "0", line) for line in one.log.read_text().splitlines()}
    return {line for line in lines if '"GET /' not in line}


def _any_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
