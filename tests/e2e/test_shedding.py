"""More kernel events than the node can take: what proves little goes first, and the operator is told, once."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.kernel_load import counters, flooded
from tests.e2e.harness import App, Node, wait_for

HELD = 3
PROGRAMS = 397


@pytest.fixture
def flood(witnessed_node: Node, tmp_path: Path) -> Iterator[App]:
    with flooded(witnessed_node, tmp_path, 0) as app:
        yield app


@contextlib.contextmanager
def held(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile, as on a host that has no time for it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def words(node: Node) -> list[str]:
    """What the log says of losses."""
    return [line for line in node.log.read_text().splitlines() if "not everything was kept" in line]


def test_the_core_has_no_time(witnessed_node: Node, flood: App) -> None:
    """While the core stands still, 100,000 opens a second come: opens are lost and counted, no execution is, attacks
    before, amid and after are confirmed, and the log speaks of the loss once."""
    node = witnessed_node
    assert node.process
    with ThreadPoolExecutor(3) as pool:
        floods = [pool.submit(flood.get, "/load?kind=opens&count=200000&workers=2&rate=50000")]
        floods.append(pool.submit(flood.get, f"/load?kind=programs&count={PROGRAMS}&rate=100"))
        flood.get("/run?word=x;cat%20/proc/version%20%23before")
        with held(node.process.pid):
            amid = pool.submit(flood.get, "/run?word=x;cat%20/proc/version%20%23amid")
            time.sleep(HELD)
        flood.get("/run?word=x;cat%20/proc/version%20%23after")
        assert b"Linux version" in amid.result()[1]
        assert [one.result()[0] for one in floods] == [200, 200]

    def confirmed() -> set[str]:
        found = node.traces("--service", "flood", "--verdict", "confirmed")
        return {one["request"]["urlQuery"].rpartition("%23")[2] for one in found}

    wait_for(lambda: confirmed() >= {"before", "amid", "after"}, 60, "three confirmed attacks")
    wait_for(lambda: counters(node)["kernel_events.exec"] >= PROGRAMS, 60, "every execution")
    wait_for(lambda: counters(node)["queued.probe_bytes"] == 0, 60, "everything that waited is taken")
    lost = {name: count for name, count in counters(node).items() if name.startswith("lost_events.") and count}
    assert lost.keys() == {"lost_events.open"}
    assert 'cowitness_lost_kernel_events_total{kind="open"}' in node.metrics()
    (told,) = wait_for(lambda: words(node), 20, "a word in the log")
    assert "lost_events.open" in told
