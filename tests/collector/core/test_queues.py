"""Both queues are bounded: senders of evidence wait, kernel events are shed by what they are worth and counted."""

from __future__ import annotations

from collections import Counter

from collector.core import queues
from collector.core.link import Evidence
from collector.core.queues import Delivery, EvidenceQueue, KernelQueue
from tests.collector.correlate.support import ID, event, shell


def delivery(size: int) -> Delivery:
    return Delivery(Evidence((), (), ()), size, lambda: None)


def test_senders_wait_for_room() -> None:
    """Who fills the queue waits, and is told once when there is room again."""
    queue, resumed = EvidenceQueue(), list[str]()
    assert queue.put(delivery(1000), lambda: resumed.append("first"))
    assert not queue.put(delivery(queues.EVIDENCE_BYTES), lambda: resumed.append("second"))
    queue.resume()
    assert resumed == []
    assert [queue.take().size, queue.take().size] == [1000, queues.EVIDENCE_BYTES]
    queue.resume()
    queue.resume()
    assert resumed == ["second"]


def test_kernel_queue_is_bounded() -> None:
    """What finds the kernel queue full is dropped and counted."""
    dropped = Counter[tuple[str, str]]()
    queue = KernelQueue(lambda request_id: False, dropped)
    assert queue.put([shell()] * queues.KERNEL_QUEUE)
    assert not queue.put([shell()] * 5)
    assert dropped["pipeline", "kernel_queue_full"] == 5
    assert queue.events == queues.KERNEL_QUEUE == len(queue.take())
    assert not queue


def test_what_is_worth_least_goes_first() -> None:
    """A queue that fills gives up opens first, executions last, and what belongs to a known attack after all; each is
    counted by its kind."""
    dropped = Counter[tuple[str, str]]()
    queue = KernelQueue(lambda request_id: request_id == ID, dropped)
    opens, ours = event("open", 1, request_id="2" * 16), event("open", 1, request_id=ID)
    connects, execs = event("connect", 1, request_id="2" * 16), event("exec", 1, request_id="2" * 16)
    for part in ("0.5", "0.4", "0.1"):
        queue.put([execs] * int(queues.KERNEL_QUEUE * float(part) - 3))
        queue.put([opens, connects, ours])
    assert queue.lost == {"open": 2, "connect": 1}
    queue.put([ours] * 100)
    assert dropped["pipeline", "kernel_queue_full"] == sum(queue.lost.values())
