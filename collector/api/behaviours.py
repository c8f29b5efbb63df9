"""BehaviourService: what services normally do, as the core has learnt it, in the API's messages."""

from __future__ import annotations

from typing import Protocol

import grpc
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from msgspec import Struct

from collector import inventory
from collector.api import convert
from collector.api.convert import small, text, timestamp
from collector.api.services import MAX_PAGE_BYTES, Context, answering, page_size
from collector.store import tokens
from collector.store.base import NotFoundError


class BehaviourView(Protocol):
    """The part of core.behaviour.Behaviour that the API needs."""

    def all(self) -> list[inventory.ServiceBehaviour]: ...

    def of(self, service: str) -> inventory.ServiceBehaviour | None: ...

    def forget(self, service: str) -> bool: ...


class AllBehaviours(Struct, frozen=True):
    """What a page token of ListBehaviours is bound to: there is no filter."""


class Behaviours(rpc.BehaviourServiceServicer):
    """BehaviourService: a look at what the core knows, in its own loop."""

    def __init__(self, behaviour: BehaviourView) -> None:
        self._behaviour = behaviour

    async def ListBehaviours(  # noqa: N802
        self, request: pb.ListBehavioursRequest, context: Context
    ) -> pb.ListBehavioursResponse:
        async with answering(context):
            size, after = page_size(request.page_size), tokens.read(AllBehaviours(), request.page_token)
            start = max(0, after.time) if after is not None else 0
            found, answer = self._behaviour.all(), pb.ListBehavioursResponse()
            for place in range(start, min(start + size, len(found))):
                answer.behaviours.append(behaviour(found[place]))
                if answer.ByteSize() > MAX_PAGE_BYTES:
                    break
            if (end := start + len(answer.behaviours)) < len(found):
                answer.next_page_token = tokens.write(AllBehaviours(), end, "")
            return answer

    async def GetBehaviour(self, request: pb.GetBehaviourRequest, context: Context) -> pb.Behaviour:  # noqa: N802
        async with answering(context):
            if (found := self._behaviour.of(request.service_name)) is None:
                raise unknown(request.service_name)
            return behaviour(found)

    async def DeleteBehaviour(  # noqa: N802
        self, request: pb.DeleteBehaviourRequest, context: grpc.aio.ServicerContext[pb.DeleteBehaviourRequest, object]
    ) -> pb.DeleteBehaviourResponse:
        async with answering(context):
            if not self._behaviour.forget(request.service_name):
                raise unknown(request.service_name)
            return pb.DeleteBehaviourResponse()


def unknown(service: str) -> NotFoundError:
    return NotFoundError(f"nothing has been learnt of a service '{text(service)[:200]}'")


def behaviour(value: inventory.ServiceBehaviour) -> pb.Behaviour:
    def known(kind: str) -> list[str]:
        return [text(name) for name in value.known.get(kind, ())]

    return pb.Behaviour(
        service_name=text(value.service), versions=map(version, value.versions), programs=known("program"),
        destinations=known("destination"), dns_names=known("name"), paths=known("path"),
        first_seen=map(first_seen, value.first_seen),
        no_room={text(kind): small(count, 64) for kind, count in value.no_room.items()},
        policy=convert.policy(value.service, value.policy), not_in_policy=map(text, value.not_in_policy),
    )  # fmt: skip


def version(value: inventory.ServiceVersion) -> pb.ServiceVersion:
    return pb.ServiceVersion(
        service_version=text(value.version), start_time=timestamp(value.start_time), requests=small(value.requests, 64),
        learnt_time=timestamp(value.learnt_time), relearning=value.relearning,
    )  # fmt: skip


def first_seen(value: inventory.FirstSeen) -> pb.FirstSeen:
    return pb.FirstSeen(
        kind=text(value.kind), name=text(value.name), first_time=timestamp(value.first_time),
        last_time=timestamp(value.last_time), requests=small(value.requests, 64),
    )  # fmt: skip
