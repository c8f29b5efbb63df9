"""What each frame of an agent means: HELLO, BATCH, ASK, STATUS. Verdicts are answered here and now."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Container
from typing import Any, Protocol

from msgspec.structs import replace

from collector.core import link
from collector.inspector import case
from collector.inspector.connection import Connection
from collector.inspector.corelink import CoreLink
from collector.inspector.counters import Counters
from collector.inspector.crowd import Crowd
from collector.inspector.process import Processes
from collector.inspector.worker import BAD_BODY, Job, Worker
from collector.inventory import Agent, Hook
from collector.model import Process
from collector.policy.compiled import Compiled
from collector.policy.document import Policy
from collector.refusal.answer import filled
from collector.wire import agent as wire
from collector.wire import frames
from collector.wire.frames import FrameError, Head

WELCOME_PATIENCE = 0.010
"""Seconds that a HELLO waits for the kernel side to register the process."""

MAX_CONVICTED = 4096
"""Requests whose attack the kernel has confirmed that are remembered: the last ones."""

KNOWN = {frames.WELCOME, frames.ACK, frames.VERDICT, frames.POLICY}


class Judge(case.Judge, Protocol):
    """The part of detect.judge.Judge that an inspector needs."""

    policy: Compiled
    cuts: Counter[str]
    convicted: Container[str]

    def asks_responses(self, service: str) -> bool: ...

    def verdict(self, ask: wire.Ask, process: Process, mode: str) -> wire.Verdict: ...


class Desk:
    """Frames in, answers out. One per inspector."""

    def __init__(
        self,
        judge: Judge,
        worker: Worker,
        core: CoreLink,
        crowd: Crowd,
        counters: Counters,
        setup: link.Setup,
        compile: Callable[[Policy], Compiled] = Compiled,
    ) -> None:
        self._compile = compile
        self._judge, self._worker, self._core = judge, worker, core
        self._crowd, self._counters = crowd, counters
        self._host = setup.host
        self._template = setup.template
        self._processes = Processes()
        self._streams: dict[int, set[Connection]] = {}
        self._witnessed: set[int] = set()
        core.on_witnessed = self.witnessed
        core.on_policy = self.obey
        core.on_convicted = self.convicted
        self._convicted: OrderedDict[str, None] = OrderedDict()
        judge.convicted = self._convicted.keys()

    def take(self, connection: Connection, head: Head, body: bytes) -> None:
        """Work one frame; raises FrameError for what no honest peer sends."""
        if head.kind == frames.HELLO and connection.agent is None:
            self._hello(connection, head, body)
        elif connection.agent is None:
            raise FrameError("no_hello", "the first frame must be HELLO")
        elif head.kind == frames.ASK:
            self._ask(connection, connection.agent, head, body)
        elif head.kind == frames.BATCH and connection.role == "stream":
            self._batch(connection, connection.agent, head, body)
        elif head.kind == frames.STATUS and connection.role == "stream":
            self._status(connection, connection.agent, body)
        else:
            self._unexpected(connection, head)

    def closed(self, connection: Connection) -> None:
        """A connection ended; the core hears of the streams."""
        streams = self._streams.get(connection.pid, set())
        if connection in streams:
            streams.discard(connection)
            self._core.tell(link.CLOSED, link.Closed(connection.pid))
        if not streams:
            self._streams.pop(connection.pid, None)

    def witnessed(self, news: link.Witnessed) -> None:
        """The kernel side began (or ceased) to watch processes: their agents get a WELCOME that says so."""
        for pid in news.pids:
            if (pid in self._witnessed) == news.witnessed:
                continue
            (self._witnessed.add if news.witnessed else self._witnessed.discard)(pid)
            for connection in self._streams.get(pid, ()):
                self._welcome(connection, 0, news.witnessed)

    def obey(self, news: link.NewPolicy) -> None:
        """Judge by another policy from the next question on, and tell every agent what of it is theirs."""
        self._judge.policy = self._compile(news.policy)
        for connections in self._streams.values():
            for connection in connections:
                connection.send(frames.POLICY, 0, self._policy(connection))
        self._core.tell(link.APPLIED, link.Applied(news.policy.version))

    def convicted(self, news: link.Convicted) -> None:
        """The kernel has seen these requests' attacks: their answers must not get out."""
        self._convicted.update(dict.fromkeys(news.request_ids))
        while len(self._convicted) > MAX_CONVICTED:
            self._convicted.popitem(last=False)

    def _policy(self, connection: Connection) -> wire.Policy:
        """An agent's part of the policy."""
        policy = self._judge.policy
        service = connection.agent.process.service if connection.agent else ""
        return wire.Policy(
            policy.version, policy.mode(service), policy.asks(service), policy.asks_users(service),  # type: ignore[arg-type]
            self._judge.asks_responses(service), policy.asks_routes(service),
        )  # fmt: skip

    def _hello(self, connection: Connection, head: Head, body: bytes) -> None:
        hello = _decoded(wire.decode_hello, body)
        self._check_pid(connection, hello)
        process = self._process(connection, hello)
        now = time.time_ns()
        hooks, counters = _hooks(hello.hooks), _bounded(hello.counters)
        agent = Agent(process, hello.mode, hello.agent_version[:64], now, now, True, False, hooks, counters)
        connection.greet(agent, hello.role)
        self._counters.add("hellos", hello.role)
        if hello.role == "verdict":
            self._welcome(connection, head.sequence, connection.pid in self._witnessed)
        else:
            self._register(connection, agent, head.sequence, len(body))

    def _check_pid(self, connection: Connection, hello: wire.Hello) -> None:
        """A HELLO's own pid must be one that the process has in some pid namespace, as far as /proc tells."""
        if hello.pid == connection.pid or connection.pid == 0:
            return
        pids = self._processes.namespace_pids(connection.pid)
        if pids and hello.pid not in pids:
            raise FrameError("pid_mismatch", f"the socket belongs to process {connection.pid}")

    def _process(self, connection: Connection, hello: wire.Hello) -> Process:
        facts = self._processes.facts(connection.pid)
        service = hello.service or facts.service or hello.argv0.rpartition("/")[2] or "unknown"
        return Process(
            connection.pid, service[:256], hello.runtime[:64], facts.executable or hello.executable,
            facts.container_id, self._host, hello.service_version[:64],
        )  # fmt: skip

    def _register(self, connection: Connection, agent: Agent, sequence: int, size: int) -> None:
        """Ask the core to have the kernel watch this process; WELCOME at its answer, or when patience ends."""
        self._streams.setdefault(connection.pid, set()).add(connection)
        connection.work()
        waiting = True

        def welcome(witnessed: bool) -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                (self._witnessed.add if witnessed else self._witnessed.discard)(connection.pid)
                timer.cancel()
                self._welcome(connection, sequence, witnessed)
                connection.worked(size)
            elif witnessed:
                self.witnessed(link.Witnessed([connection.pid], True))

        timer = asyncio.get_running_loop().call_later(WELCOME_PATIENCE, welcome, False)
        self._core.opened(link.Opened(agent), welcome)

    def _welcome(self, connection: Connection, sequence: int, witnessed: bool) -> None:
        connection.send(frames.WELCOME, sequence, wire.Welcome(witnessed=witnessed, policy=self._policy(connection)))

    def _ask(self, connection: Connection, agent: Agent, head: Head, body: bytes) -> None:
        before = time.perf_counter()
        ask = _decoded(wire.decode_ask, body)
        try:
            verdict = self._judge.verdict(ask, agent.process, ask.mode or agent.mode)
        except Exception as error:
            self._counters.add("judge_errors", type(error).__name__)
            verdict = wire.Verdict("allow")
        if verdict.action == "block":
            verdict = filled(verdict, ask.request, self._template)
        connection.send(frames.VERDICT, head.sequence, verdict)
        self._counters.add("verdicts", verdict.action)
        self._counters.verdicts.observe(time.perf_counter() - before)

    def _batch(self, connection: Connection, agent: Agent, head: Head, body: bytes) -> None:
        """Hand a batch to the worker; its ACK goes out when the core has committed what it came to."""

        def acknowledge() -> None:
            self._counters.add("acknowledged")
            connection.send(frames.ACK, head.sequence, {})

        def done(evidence: link.Evidence) -> None:
            connection.worked(len(body))
            self._core.evidence(evidence, acknowledge)

        def failed(code: str, reason: str) -> None:
            connection.refuse(code, reason, hostile=code == "bad_body")

        self._counters.add("batches")
        connection.work()
        self._worker.put(Job(agent.process, body, done, failed))

    def _status(self, connection: Connection, agent: Agent, body: bytes) -> None:
        if not self._crowd.allowance(connection.pid).status(time.monotonic()):
            raise FrameError("too_many_statuses", "STATUS is for every 10 seconds and for changes")
        status = _decoded(wire.decode_status, body)
        connection.agent = replace(
            agent, mode=status.mode, policy_version=status.policy_version, hooks=_hooks(status.hooks),
            counters=_bounded(status.counters),
            last_seen_time=time.time_ns(),
        )  # fmt: skip
        self._core.tell(link.STATUS, link.Status(connection.agent))

    def _unexpected(self, connection: Connection, head: Head) -> None:
        if head.kind == frames.ERROR:
            connection.refuse("peer_error", "closing after your ERROR")
        elif head.kind in KNOWN or head.kind <= frames.STATUS:
            raise FrameError("unexpected_kind", f"kind {head.kind} has no place here")
        else:
            self._counters.add("unknown_kind", "agent")


def _decoded(decode: Any, body: bytes) -> Any:
    try:
        return decode(body)
    except BAD_BODY as error:
        raise FrameError("bad_body", str(error)[:200]) from None


def _hooks(records: list[wire.HookRecord]) -> tuple[Hook, ...]:
    return tuple(Hook(record.target[:256], record.state, record.reason[:512]) for record in records)


def _bounded(counters: dict[str, int]) -> dict[str, int]:
    return {name[:64]: count for name, count in list(counters.items())[:128]}
