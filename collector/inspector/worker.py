"""Judging batches between verdicts: one batch at a time, in slices, processes in turn.

A verdict must not wait behind a batch of 4,096 records, so the loop gets its turn after every slice; one process with
many batches must not hold up the others, so processes take turns.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

import msgspec
from msgspec import Struct

from collector.core.link import Evidence
from collector.inspector.case import Case, Judge
from collector.inspector.counters import Counters
from collector.inspector.views import Views
from collector.model import Process, Verdict
from collector.wire.agent import Batch, decode_batch

SLICE = 0.001
"""Seconds of judging between two turns of the loop; one record may take longer."""

MAX_BATCHES = 64
"""Batches of one process that may wait."""

MAX_BYTES = 96 << 20

BAD_BODY = (msgspec.MsgspecError, ValueError, RecursionError)


class Job(Struct, frozen=True, eq=False):
    """One BATCH as received. `failed` gets a code and a reason where it is not judged; `done` the evidence."""

    process: Process
    body: bytes
    done: Callable[[Evidence], None]
    failed: Callable[[str, str], None]


class Worker:
    """The queue of batches and the task that works it off."""

    def __init__(self, judge: Judge, views: Views, counters: Counters, room: Callable[[], bool]) -> None:
        self._judge, self._views, self._counters = judge, views, counters
        self._room = room
        self._queues: OrderedDict[int, deque[Job]] = OrderedDict()
        self._bytes = 0
        self._wake = asyncio.Event()

    def put(self, job: Job) -> None:
        """Queue a batch. A connection has at most one here, but one that closed may have left its own behind: what
        goes beyond the limits fails, and its agent sends it again."""
        queue = self._queues.get(job.process.pid, ())
        if len(queue) >= MAX_BATCHES or self._bytes + len(job.body) > MAX_BYTES:
            self._counters.add("batches_refused")
            job.failed("overload", "too many batches wait")
            return
        self._queues.setdefault(job.process.pid, deque()).append(job)
        self._bytes += len(job.body)
        self._wake.set()

    def resume(self) -> None:
        """There is room on the link again."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            while not self._queues or not self._room():
                self._wake.clear()
                await self._wake.wait()
            await self._work(self._next())

    def _next(self) -> Job:
        pid, queue = self._queues.popitem(last=False)
        job = queue.popleft()
        self._bytes -= len(job.body)
        if queue:
            self._queues[pid] = queue
        return job

    async def _work(self, job: Job) -> None:
        try:
            batch = decode_batch(job.body)
        except BAD_BODY as error:
            job.failed("bad_body", str(error)[:200])
            return
        self._count(batch)
        case = Case(self._judge, self._views, job.process)
        await self._judge_all(case, batch)
        evidence = case.close()
        for kind, count in passed_late(evidence).items():
            self._counters.add("late_attacks", kind, count)
        for problem in case.errors[:100]:
            self._counters.add("judge_errors", type(problem).__name__)
        job.done(evidence)

    async def _judge_all(self, case: Case, batch: Batch) -> None:
        slice_end = time.perf_counter() + SLICE
        for record in batch.records:
            before = time.perf_counter()
            case.add(record)
            now = time.perf_counter()
            self._counters.judgements.observe(now - before)
            if now > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + SLICE

    def _count(self, batch: Batch) -> None:
        self._counters.add("records", count=len(batch.records))
        for reason, count in list(batch.dropped.items())[:32]:
            self._counters.add("agent_dropped", reason[:64], count)


def passed_late(evidence: Evidence) -> Counter[str]:
    """Attacks that reached operations which went on because no verdict came in time, by the operations' kind."""
    found = Counter[str]()
    for report in evidence.reports:
        late = {one.index: one.kind for one in report.operations if one.late and not one.blocked}
        if report.final and late:
            reached = {one.operation_index for one in report.findings if one.stage is Verdict.REACHED}
            found.update(late[index] for index in reached & late.keys())
    return found
