"""PolicyService: the policy in force, and the calls that change it. Who may open the API's socket may do both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from google.protobuf.timestamp_pb2 import Timestamp

from collector.api.services import Context, RequestError, answering
from collector.policy.document import Policy, PolicyError, encode, now, parse
from collector.policy.keeper import Keeper

PATIENCE = 2.0
"""Seconds that inspectors have to take a policy over."""


class Followers(Protocol):
    """Who judges by the policy."""

    async def policy_applied(self, patience: float) -> bool: ...


class Policies(rpc.PolicyServiceServicer):
    """PolicyService."""

    def __init__(self, keeper: Keeper, followers: Followers) -> None:
        self._keeper, self._followers = keeper, followers

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Context) -> pb.ProtectionPolicy:  # noqa: N802
        async with answering(context):
            return await self._answer(0)

    async def ApplyPolicy(self, request: pb.ApplyPolicyRequest, context: Context) -> pb.ProtectionPolicy:  # noqa: N802
        name = request.name or "policy"
        return await self._changed(context, lambda: self._keeper.apply(parse(request.document, name), name))

    async def RollBackPolicy(  # noqa: N802
        self, request: pb.RollBackPolicyRequest, context: Context
    ) -> pb.ProtectionPolicy:
        return await self._changed(context, lambda: self._keeper.roll_back(request.version))

    async def ListPolicyVersions(  # noqa: N802
        self, request: pb.ListPolicyVersionsRequest, context: Context
    ) -> pb.ListPolicyVersionsResponse:
        async with answering(context):
            versions = [_version(one.version, one.time, one.size) for one in self._keeper.history()]
            return pb.ListPolicyVersionsResponse(versions=versions)

    async def AddPolicyEntry(  # noqa: N802
        self, request: pb.AddPolicyEntryRequest, context: Context
    ) -> pb.ProtectionPolicy:
        return await self._changed(context, lambda: self._add(request))

    async def RemovePolicyEntry(  # noqa: N802
        self, request: pb.RemovePolicyEntryRequest, context: Context
    ) -> pb.ProtectionPolicy:
        return await self._changed(context, lambda: self._keeper.remove(request.subject))

    def _add(self, request: pb.AddPolicyEntryRequest) -> Policy:
        if request.list not in ("block", "allow"):
            raise RequestError(f"list: '{request.list}' is neither block nor allow")
        if len(request.reason) > 300:
            raise RequestError("reason: more than 300 characters")
        seconds = request.duration.ToNanoseconds() / 1e9 if request.HasField("duration") else 0.0
        if request.HasField("duration") and not 0 < seconds <= 3650 * 86400:
            raise RequestError("duration: must be above 0 and at most ten years")
        expires = now() + timedelta(seconds=seconds) if seconds else None
        return self._keeper.add(request.list, request.subject, request.reason, expires)

    async def _changed(self, context: Context, change: Callable[[], Policy]) -> pb.ProtectionPolicy:
        """Make a change and wait until it counts."""
        async with answering(context):
            try:
                change()
            except PolicyError as error:
                raise RequestError(str(error)) from None
            return await self._answer(PATIENCE)

    async def _answer(self, patience: float) -> pb.ProtectionPolicy:
        applied = await self._followers.policy_applied(patience)
        policy = self._keeper.policy
        document = encode(policy).decode()
        return pb.ProtectionPolicy(
            version=policy.version, document=document, problem=self._keeper.problem, applied=applied
        )


def _version(number: int, time: int, size: int) -> pb.PolicyVersion:
    stamp = Timestamp()
    stamp.FromNanoseconds(time)
    return pb.PolicyVersion(version=number, time=stamp, size=size)
