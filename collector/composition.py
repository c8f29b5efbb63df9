"""The objects of the core process: what there is, how it hangs together, and in which order it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from collector.behaviour.watcher import Watcher
from collector.core import link, run_dir
from collector.core.agents import Agents
from collector.core.behaviour import Behaviour
from collector.core.children import InspectorStarter, ProbeStarter
from collector.core.enforcement import Enforcement
from collector.core.inspectors import Inspectors
from collector.core.lag import watch_lag
from collector.core.losses import watch_losses
from collector.core.node import NodeView, host_name
from collector.core.pipeline import Pipeline
from collector.core.probe_source import ProbeSource
from collector.core.responses import Responses
from collector.core.retention import keep_pruning
from collector.core.run_dir import CannotStart
from collector.core.supervisor import Supervisor
from collector.correlate import Correlator, Limits
from collector.correlate.floods import Floods
from collector.hub import Hub
from collector.model import AttackTrace
from collector.policy.counts import shared as counts_table
from collector.policy.document import parse
from collector.policy.file import PolicyFile, Reader
from collector.policy.keeper import Keeper
from collector.refusal import loading as refusal
from collector.refusal.template import Template
from collector.settings import CorrelateSettings, Settings, listen_address
from collector.store.base import NotFoundError, Store
from probes.vocabulary import KernelEvent

DRAIN_SECONDS = 1.0
"""How long the pipeline may finish at the end; what it does not store is not acknowledged, so the agents keep it."""

SWITCH = "enforcement"
"""The file in the state directory that keeps what `cowitness enforce` said last."""

PROFILES = "behaviour"
"""The directory in it that keeps what services normally do."""

API_GRACE = 0.5
"""Seconds for calls under way when the daemon ends."""

PROBES_PATIENCE = 10.0
"""Seconds that the API waits for the probes' first word: their programs are compiled at their start."""


class Core:
    """The objects of the core process and how they hang together."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store, self.hub = settings, store, Hub()
        self.agents = Agents()
        self.correlator = Correlator(
            limits(settings.correlate),
            witnessed=self.agents.is_witnessed,
            recall=lambda name: recalled(store, name),
            process=self.agents.process,
            host=os.uname().nodename,
        )
        floods = Floods(settings.floods, recall=lambda name: recalled(store, name))
        self.pipeline = Pipeline(self.correlator, store, self.hub, floods)
        self.probes = ProbeSource(self._kernel_events, self.agents.connected)
        self.inspectors = Inspectors(self.agents, self.probes, self.pipeline)
        self.correlator.wanted = self.inspectors.want
        self.correlator.convicted = self.inspectors.convicted
        self.node = NodeView(self.agents, self.probes, self.inspectors, self.pipeline)
        self.supervisor = Supervisor()
        self.enforcement = self.node.enforcement = Enforcement(
            settings.enforcement, self.probes, self.agents.service, settings.state_dir / SWITCH, self._end_probes
        )
        watcher = Watcher(settings.behaviour, self.agents.process)
        self.behaviour = Behaviour(watcher, settings.state_dir / PROFILES)
        if settings.behaviour.mode != "off":
            self.behaviour.join(self.agents, self.correlator)
        self.node.more, self.node.edges = self._totals, self.correlator.calls.edges.all
        self.keeper = Keeper(settings.state_dir / "policy", bool(settings.policy.country_database))
        self.keeper.on_change = self.inspectors.set_policy
        self.inspectors.set_policy(self.keeper.policy)
        self.responses = self.pipeline.observer = Responses(self.keeper)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, stack: AsyncExitStack) -> None:
        """Enter every part into `stack`, which ends them in the opposite order."""
        await stack.enter_async_context(self._work())
        await stack.enter_async_context(self._listen_to_probes())
        stack.push_async_callback(self.supervisor.stop)
        self._start_probes()
        self._start_inspectors(stack)
        self._follow_policy()
        await self._serve_metrics(stack)
        await self._serve_api(stack)

    def _kernel_events(self, events: list[KernelEvent]) -> None:
        self.enforcement.heard(events)
        self.pipeline.put_kernel(events)

    def _end_probes(self) -> None:
        """They come back by themselves."""
        if pid := self.supervisor.pids().get("probes"):
            os.kill(pid, signal.SIGKILL)

    def _totals(self) -> dict[str, int]:
        """Totals of the parts that the node does not know itself."""
        counts, held = self.correlator.counters, self.correlator.remembered()
        totals = {f"correlate.{name}": count for name, count in held.items()}
        totals |= {f"handled.kernel_events_{name}": counts[name] for name in ("attached", "remembered", "unmarked")}
        totals |= {"dropped.correlate.late": counts["late"], "dropped.correlate.evicted": held["evicted"]}
        totals |= {"dropped.correlate.unlinked": counts["unlinked"]}
        totals |= self.behaviour.totals() | self.pipeline.floods.totals() | self.responses.totals()
        return totals | {f"restarts.{name}": count for name, count in self.supervisor.restarts.items()}

    @contextlib.asynccontextmanager
    async def _work(self) -> AsyncIterator[None]:
        """The pipeline, the retention, the look at the clock."""
        work = asyncio.create_task(self.pipeline.run(), name="pipeline")
        others = [
            asyncio.create_task(keep_pruning(self.store.prune, self.enforcement.breathe), name="retention"),
            asyncio.create_task(watch_lag(), name="lag"),
            asyncio.create_task(watch_losses(self.node.counters), name="losses"),
            asyncio.create_task(self.behaviour.run(), name="behaviour"),
            asyncio.create_task(self.responses.run(), name="responses"),
        ]
        self.tasks += [work, *others]
        try:
            yield
        finally:
            self.pipeline.stop()
            await asyncio.wait({work}, timeout=DRAIN_SECONDS)
            for task in (work, *others):
                task.cancel()
            await asyncio.gather(work, *others, return_exceptions=True)
            self.pipeline.close()
            self.behaviour.close()

    @contextlib.asynccontextmanager
    async def _listen_to_probes(self) -> AsyncIterator[None]:
        path = self.settings.run_dir / "probe.sock"
        listener = run_dir.listen(path, 0o600)
        server = await asyncio.get_running_loop().create_unix_server(self.probes.accept, sock=listener)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    def _start_probes(self) -> None:
        probes = self.settings.probes
        if not probes.enabled:
            self.node.probes_off = lambda: "turned off by the configuration"
            return
        starter = ProbeStarter(self.settings.run_dir / "probe.sock", probes, self.probes)
        self.node.probes_off = lambda: starter.off
        self.supervisor.keep(starter.plan())

    def _start_inspectors(self, stack: AsyncExitStack) -> None:
        path = self.settings.run_dir / "agent.sock"
        listener = stack.enter_context(run_dir.listen(path, 0o666))
        stack.callback(path.unlink, missing_ok=True)
        tcp, token = self._listen_on_loopback(stack)
        template = response_template(self.settings)
        setup = link.Setup(msgspec.to_builtins(self.settings), host_name(), token=token, template=template)
        counts = counts_table()
        stack.callback(os.close, counts)
        starter = InspectorStarter(listener, tcp, self.inspectors, setup, counts)
        for number in range(self.settings.inspector.workers or min(2, os.cpu_count() or 1)):
            self.supervisor.keep(starter.plan(number))

    def _follow_policy(self) -> None:
        """Take the policy from a file, where one is configured."""
        settings = self.settings.policy
        if not settings.file:
            return
        read: Reader = parse
        if settings.keys:
            from collector.policy.signed import Keys, reader  # a library that few need

            read = reader(Keys(settings.keys, self.settings.state_dir / "policy" / "serial"))
        follower = PolicyFile(Path(settings.file), self.keeper, read)
        self.tasks.append(asyncio.create_task(follower.follow(), name="policy"))

    def _listen_on_loopback(self, stack: AsyncExitStack) -> tuple[socket.socket | None, str]:
        """A listener for agents without Unix sockets and the token that they say first, where that is configured."""
        if not (where := self.settings.inspector.listen):
            return None, ""
        token = run_dir.token(self.settings.run_dir / "agent.token")
        address = listen_address(where, "inspector.listen")
        return stack.enter_context(run_dir.listen_on_loopback(address)), token

    async def _meet_probes(self) -> None:
        """Who asks right after the start gets a true answer; a host that compiles slowly is not waited for longer."""
        if self.settings.probes.enabled:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.probes.met.wait(), PROBES_PATIENCE)

    async def _serve_metrics(self, stack: AsyncExitStack) -> None:
        from collector import metrics

        endpoint = await metrics.start(self.settings.metrics.listen, self.node, self.inspectors.totals, self.hub)
        if endpoint is not None:
            stack.push_async_callback(endpoint.stop)

    async def _serve_api(self, stack: AsyncExitStack) -> None:
        """The gRPC API, last: its import takes as long as the children take to start."""
        from collector.api import server
        from collector.api.policies import Policies

        await self._meet_probes()
        path = self.settings.run_dir / server.NAME
        try:
            policies, group = Policies(self.keeper, self.inspectors), self.settings.api.group
            handle = await server.start(path, self.store, self.hub, self.node, group, policies, self.behaviour)
        except OSError as error:
            raise CannotStart(str(error)) from error
        stack.callback(path.unlink, missing_ok=True)
        stack.push_async_callback(handle.stop, API_GRACE)


def response_template(settings: Settings) -> Template:
    """Raises CannotStart where a file has changed since the configuration was read."""
    try:
        return refusal.load(settings.response)
    except ValueError as error:
        raise CannotStart(f"response.{error}") from error


def limits(settings: CorrelateSettings) -> Limits:
    return Limits(settings.window_seconds * 1_000_000_000, settings.max_requests, settings.max_events_per_trace)


def recalled(store: Store, request_id: str) -> AttackTrace | None:
    try:
        return store.trace(request_id)
    except NotFoundError:
        return None
