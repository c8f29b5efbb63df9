"""The gRPC services: questions to the store, the hub and the node, answered in the API's messages.

What a client got wrong comes back as INVALID_ARGUMENT, NOT_FOUND or FAILED_PRECONDITION with a message that names it;
what went wrong here is logged and comes back as INTERNAL without our insides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import grpc
import structlog
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from msgspec import Struct

from collector.api import convert, filters
from collector.api.links import with_linked
from collector.hub import Hub, TooManyWatchersError
from collector.inventory import Agent, Edge, Host, PoliciesInForce
from collector.store import tokens
from collector.store.base import AmbiguousError, IdError, NotFoundError, PageTokenError, Store
from probes.vocabulary import MODES, Mode

DEFAULT_PAGE, MAX_PAGE = 100, 1000
MAX_PAGE_BYTES = 8 << 20

log = structlog.get_logger()
T = TypeVar("T")
Context = grpc.aio.ServicerContext[Any, Any]


class RequestError(ValueError):
    """A request that cannot be answered; the message names the field."""


class NodeView(Protocol):
    """The part of core.node.NodeView that the API needs."""

    @property
    def name(self) -> str: ...

    def agents(self) -> list[Agent]: ...

    def hosts(self) -> list[Host]: ...

    def edges(self) -> list[Edge]: ...

    def left_out(self, request_id: str) -> str: ...

    def in_force(self) -> PoliciesInForce: ...

    async def switch(self, mode: Mode) -> None: ...


@asynccontextmanager
async def answering(context: Context) -> AsyncIterator[None]:
    """Turns what goes wrong into a status."""
    try:
        yield
    except (RequestError, filters.FilterError, PageTokenError, IdError) as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except NotFoundError as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except AmbiguousError as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except TooManyWatchersError as error:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
    except (grpc.aio.AbortError, asyncio.CancelledError, GeneratorExit):
        raise
    except Exception:
        log.exception("a call failed")
        await context.abort(grpc.StatusCode.INTERNAL, "the collector could not answer; its log says why")


def page_size(asked: int) -> int:
    """Records of a page; raises RequestError."""
    if not 0 <= asked <= MAX_PAGE:
        raise RequestError(f"page_size: {asked} is not between 1 and {MAX_PAGE} (0 means {DEFAULT_PAGE})")
    return asked or DEFAULT_PAGE


class AttackTraces(rpc.AttackTraceServiceServicer):
    """AttackTraceService. The store is asked in `executor`, since it blocks. `left_out` says why there is no trace of a
    request."""

    def __init__(self, store: Store, hub: Hub, executor: Executor, left_out: Callable[[str], str]) -> None:
        self._store, self._hub, self._executor, self._left_out = store, hub, executor, left_out

    async def ListAttackTraces(  # noqa: N802
        self, request: pb.ListAttackTracesRequest, context: Context
    ) -> pb.ListAttackTracesResponse:
        def work() -> pb.ListAttackTracesResponse:
            wanted, size = filters.trace_filter(request.filter), page_size(request.page_size)
            page = self._store.traces(wanted, size, request.page_token)
            return pb.ListAttackTracesResponse(
                attack_traces=map(convert.trace, page.items), next_page_token=page.next_token
            )

        async with answering(context):
            return await _run(self._executor, work)

    async def GetAttackTrace(self, request: pb.GetAttackTraceRequest, context: Context) -> pb.AttackTrace:  # noqa: N802
        async with answering(context):
            try:
                return await _run(self._executor, lambda: with_linked(self._store.trace(request.id), self._store))
            except NotFoundError as error:
                raise NotFoundError(self._left_out(request.id.strip().lower()) or str(error)) from None

    async def WatchAttackTraces(  # noqa: N802
        self, request: pb.WatchAttackTracesRequest, context: Context
    ) -> AsyncIterator[pb.WatchAttackTracesResponse]:
        async with answering(context):
            with self._hub.watch_traces(filters.trace_filter(request.filter).matches) as watcher:
                await context.send_initial_metadata(())  # from here on nothing is missed silently
                while True:
                    trace = await watcher.next()
                    yield pb.WatchAttackTracesResponse(attack_trace=convert.trace(trace), missed=watcher.missed)


class LoginEvents(rpc.LoginEventServiceServicer):
    """LoginEventService."""

    def __init__(self, store: Store, hub: Hub, executor: Executor) -> None:
        self._store, self._hub, self._executor = store, hub, executor

    async def ListLoginEvents(  # noqa: N802
        self, request: pb.ListLoginEventsRequest, context: Context
    ) -> pb.ListLoginEventsResponse:
        def work() -> pb.ListLoginEventsResponse:
            wanted, size = filters.login_filter(request.filter), page_size(request.page_size)
            page = self._store.logins(wanted, size, request.page_token)
            return pb.ListLoginEventsResponse(
                login_events=map(convert.login, page.items), next_page_token=page.next_token
            )

        async with answering(context):
            return await _run(self._executor, work)

    async def GetLoginEvent(self, request: pb.GetLoginEventRequest, context: Context) -> pb.LoginEvent:  # noqa: N802
        async with answering(context):
            return await _run(self._executor, lambda: convert.login(self._store.login(request.id)))

    async def WatchLoginEvents(  # noqa: N802
        self, request: pb.WatchLoginEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchLoginEventsResponse]:
        async with answering(context):
            with self._hub.watch_logins(filters.login_filter(request.filter).matches) as watcher:
                await context.send_initial_metadata(())
                while True:
                    login = await watcher.next()
                    yield pb.WatchLoginEventsResponse(login_event=convert.login(login), missed=watcher.missed)


class AllAgents(Struct, frozen=True):
    """What a page token of ListAgents is bound to: there is no filter."""


class AllEdges(Struct, frozen=True):
    """What a page token of ListEdges is bound to: there is no filter."""


class Nodes(rpc.NodeServiceServicer):
    """NodeService: a look at what the core knows, in its own loop."""

    def __init__(self, node: NodeView) -> None:
        self._node = node

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:  # noqa: N802
        async with answering(context):
            size, after = page_size(request.page_size), tokens.read(AllAgents(), request.page_token)
            agents = sorted(self._node.agents(), key=_agent_key, reverse=True)
            if after is not None:
                agents = [agent for agent in agents if _agent_key(agent) < (after.time, after.id)]
            kept = _fitting(map(convert.agent, agents), size)
            following = tokens.write(AllAgents(), *_agent_key(agents[len(kept) - 1])) if len(kept) < len(agents) else ""
            return pb.ListAgentsResponse(agents=kept, next_page_token=following)

    async def ListHosts(self, request: pb.ListHostsRequest, context: Context) -> pb.ListHostsResponse:  # noqa: N802
        async with answering(context):
            return pb.ListHostsResponse(hosts=map(convert.host, self._node.hosts()))

    async def ListEdges(self, request: pb.ListEdgesRequest, context: Context) -> pb.ListEdgesResponse:  # noqa: N802
        async with answering(context):
            size, after = page_size(request.page_size), tokens.read(AllEdges(), request.page_token)
            start = max(0, after.time) if after is not None else 0
            found, host = self._node.edges(), self._node.name
            kept = [convert.edge(one, host) for one in found[start : start + size]]
            end = start + len(kept)
            following = tokens.write(AllEdges(), end, "") if end < len(found) else ""
            return pb.ListEdgesResponse(edges=kept, next_page_token=following)

    async def GetEnforcement(self, request: pb.GetEnforcementRequest, context: Context) -> pb.Enforcement:  # noqa: N802
        async with answering(context):
            return convert.enforcement(self._node.in_force())

    async def SetEnforcement(self, request: pb.SetEnforcementRequest, context: Context) -> pb.Enforcement:  # noqa: N802
        async with answering(context):
            mode = next((mode for mode in MODES if mode == request.mode), None)
            if mode is None:
                raise RequestError(f"mode: '{request.mode}' is none of {', '.join(MODES)}")
            await self._node.switch(mode)
            return convert.enforcement(self._node.in_force())


def _agent_key(agent: Agent) -> tuple[int, str]:
    return agent.connect_time, f"{agent.process.pid:010d}"


def _fitting(agents: Iterable[pb.Agent], count: int) -> Sequence[pb.Agent]:
    """At most `count` of them, and at most MAX_PAGE_BYTES: an agent says of itself what it likes."""
    kept: list[pb.Agent] = []
    size = 0
    for agent in agents:
        size += agent.ByteSize()
        if len(kept) == count or (kept and size > MAX_PAGE_BYTES):
            break
        kept.append(agent)
    return kept


async def _run(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)
