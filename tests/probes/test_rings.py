"""The rings are emptied a bite at a time, in the order of what happened."""

from __future__ import annotations

import select
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from probes import kernel
from probes.decode import decode
from probes.rings import BITE, happened
from tests.probes.support import Marked, programs

OPENS = 7919


@pytest.fixture(scope="module")
def loaded() -> Iterator[kernel.Kernel]:
    """Programs with rings that hold several bites."""
    with programs(8 * BITE) as found:
        yield found


def test_a_bite_at_a_time(loaded: kernel.Kernel) -> None:
    """What waits comes in bites of all rings together, each event once, and the executions in the order in which they
    happened among the opens, although they are in another ring."""
    while loaded.drain()[1]:
        pass
    marked = Marked(f"""
        path = "/tmp/" + "x" * 150
        mark(13)
        for n in range({OPENS}):
            try:
                os.open(path, 0)
            except OSError:
                pass
            if n % 1000 == 0:
                os.posix_spawn("/bin/true", ["true"], {{}}); os.wait()
        mark(0)
    """)
    loaded.register(marked.pid)
    marked.go()
    bites, more = list[list[bytes]](), True
    while more:
        samples, more = loaded.drain()
        bites.append(samples)
        assert sum(map(len, samples)) < 2 * BITE
    assert len(bites) > 1
    whole = [sample for samples in bites for sample in samples]
    assert [happened(sample) for sample in whole] == sorted(happened(sample) for sample in whole)
    ours = [event for event in (decode(sample, 0) for sample in whole) if event.request_id]
    assert sum(event.kind == "open" and event.path.startswith("/tmp/x") for event in ours) == OPENS
    assert sum(event.kind == "exec" for event in ours) == OPENS // 1000 + 1


def test_evidence_wakes_the_reader(loaded: kernel.Kernel) -> None:
    """Who waits for the ring of evidence is woken by an execution, and finds it there; an open leaves it asleep."""
    while loaded.drain()[1]:
        pass
    opens = Marked("mark(13); open('/proc/uptime').close()")
    executes = Marked("mark(13); os.execv('/bin/true', ['true'])")
    for one in (opens, executes):
        loaded.register(one.pid)
    with select.epoll() as waiting, ThreadPoolExecutor(1) as pool:
        waiting.register(loaded.evidence.fileno(), select.EPOLLIN)
        opens.go()
        assert waiting.poll(0) == []
        woken = pool.submit(waiting.poll, 30)
        executes.go()
        assert woken.result() != []
    assert "exec" in {decode(sample, 0).kind for sample in loaded.drain()[0]}
