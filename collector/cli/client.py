"""The API as the commands ask it: through the Unix socket, page by page, with errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from collector.cli.failure import NOT_FOUND, UNREACHABLE, WRONG, CommandError

DEADLINE = 20.0
"""Seconds for one call; a collector that takes longer hangs."""

PAGE = 1000
OPTIONS = (("grpc.max_receive_message_length", 64 << 20), ("grpc.enable_http_proxy", 0))
CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: WRONG,
    grpc.StatusCode.FAILED_PRECONDITION: WRONG,
    grpc.StatusCode.NOT_FOUND: NOT_FOUND,
}


class Client:
    """Questions to one collector. All methods raise CommandError."""

    def __init__(self, run_dir: Path) -> None:
        self.socket = run_dir.absolute() / "api.sock"
        self._look()
        self._channel = grpc.insecure_channel(f"unix:{self.socket}", OPTIONS)
        self._traces = rpc.AttackTraceServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._logins = rpc.LoginEventServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._policies = rpc.PolicyServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._node = rpc.NodeServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._behaviour = rpc.BehaviourServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._channel.close()

    def traces(self, wanted: pb.AttackTraceFilter, limit: int) -> Iterator[pb.AttackTrace]:
        """Newest first, as many pages as it takes."""

        def page(size: int, token: str) -> tuple[Any, str]:
            request = pb.ListAttackTracesRequest(filter=wanted, page_size=size, page_token=token)
            answer = self._traces.ListAttackTraces(request, timeout=DEADLINE)
            return answer.attack_traces, answer.next_page_token

        return self._pages(page, limit)

    def logins(self, wanted: pb.LoginEventFilter, limit: int) -> Iterator[pb.LoginEvent]:
        """Newest first, as many pages as it takes."""

        def page(size: int, token: str) -> tuple[Any, str]:
            request = pb.ListLoginEventsRequest(filter=wanted, page_size=size, page_token=token)
            answer = self._logins.ListLoginEvents(request, timeout=DEADLINE)
            return answer.login_events, answer.next_page_token

        return self._pages(page, limit)

    def login(self, login_id: str) -> pb.LoginEvent:
        with self.explained():
            found: pb.LoginEvent = self._logins.GetLoginEvent(pb.GetLoginEventRequest(id=login_id), timeout=DEADLINE)
        return found

    def agents(self) -> Iterator[pb.Agent]:
        """All of them, the latest first."""

        def page(size: int, token: str) -> tuple[Any, str]:
            answer = self._node.ListAgents(pb.ListAgentsRequest(page_size=size, page_token=token), timeout=DEADLINE)
            return answer.agents, answer.next_page_token

        return self._pages(page, 1 << 30)

    def edges(self) -> Iterator[pb.Edge]:
        """All of them, the last used first."""

        def page(size: int, token: str) -> tuple[Any, str]:
            answer = self._node.ListEdges(pb.ListEdgesRequest(page_size=size, page_token=token), timeout=DEADLINE)
            return answer.edges, answer.next_page_token

        return self._pages(page, 1 << 30)

    def trace(self, trace_id: str) -> pb.AttackTrace:
        with self.explained():
            found: pb.AttackTrace = self._traces.GetAttackTrace(pb.GetAttackTraceRequest(id=trace_id), timeout=DEADLINE)
        return found

    def hosts(self) -> list[pb.Host]:
        with self.explained():
            return list(self._node.ListHosts(pb.ListHostsRequest(), timeout=DEADLINE).hosts)

    def enforcement(self, mode: str = "") -> pb.Enforcement:
        """The policies in force; with `mode` after switching to it."""
        with self.explained():
            found: pb.Enforcement = (
                self._node.SetEnforcement(pb.SetEnforcementRequest(mode=mode), timeout=DEADLINE)
                if mode
                else self._node.GetEnforcement(pb.GetEnforcementRequest(), timeout=DEADLINE)
            )
        return found

    def behaviours(self) -> Iterator[pb.Behaviour]:
        """What is known of every service."""

        def page(size: int, token: str) -> tuple[Any, str]:
            request = pb.ListBehavioursRequest(page_size=size, page_token=token)
            answer = self._behaviour.ListBehaviours(request, timeout=DEADLINE)
            return answer.behaviours, answer.next_page_token

        return self._pages(page, 1 << 30)

    def behaviour(self, service: str) -> pb.Behaviour:
        with self.explained():
            wanted = pb.GetBehaviourRequest(service_name=service)
            found: pb.Behaviour = self._behaviour.GetBehaviour(wanted, timeout=DEADLINE)
        return found

    def forget(self, service: str) -> None:
        """Have a service learnt anew."""
        with self.explained():
            self._behaviour.DeleteBehaviour(pb.DeleteBehaviourRequest(service_name=service), timeout=DEADLINE)

    def policy(self) -> pb.ProtectionPolicy:
        """The policy in force."""
        return self._policy(self._policies.GetPolicy, pb.GetPolicyRequest())

    def apply_policy(self, document: bytes, name: str) -> pb.ProtectionPolicy:
        return self._policy(self._policies.ApplyPolicy, pb.ApplyPolicyRequest(document=document, name=name))

    def roll_back_policy(self, version: int) -> pb.ProtectionPolicy:
        return self._policy(self._policies.RollBackPolicy, pb.RollBackPolicyRequest(version=version))

    def add_policy_entry(self, key: str, subject: str, reason: str, seconds: int) -> pb.ProtectionPolicy:
        """`seconds`: 0 for ever."""
        lasting = Duration(seconds=seconds) if seconds else None
        request = pb.AddPolicyEntryRequest(list=key, subject=subject, reason=reason, duration=lasting)
        return self._policy(self._policies.AddPolicyEntry, request)

    def remove_policy_entry(self, subject: str) -> pb.ProtectionPolicy:
        return self._policy(self._policies.RemovePolicyEntry, pb.RemovePolicyEntryRequest(subject=subject))

    def policy_versions(self) -> list[pb.PolicyVersion]:
        with self.explained():
            request = pb.ListPolicyVersionsRequest()
            return list(self._policies.ListPolicyVersions(request, timeout=DEADLINE).versions)

    def _policy(self, call: Callable[..., pb.ProtectionPolicy], request: Any) -> pb.ProtectionPolicy:
        with self.explained():
            return call(request, timeout=DEADLINE)

    def watch_traces(self, wanted: pb.AttackTraceFilter) -> Any:
        """The stream; its `initial_metadata()` returns when the watch has begun."""
        return self._traces.WatchAttackTraces(pb.WatchAttackTracesRequest(filter=wanted))

    def watch_logins(self, wanted: pb.LoginEventFilter) -> Any:
        """Like `watch_traces`."""
        return self._logins.WatchLoginEvents(pb.WatchLoginEventsRequest(filter=wanted))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns gRPC's errors into a CommandError."""
        try:
            yield
        except grpc.RpcError as error:
            raise self._failure(error) from error

    def _pages(self, page: Callable[[int, str], tuple[Any, str]], limit: int) -> Iterator[Any]:
        token = ""
        while limit > 0:
            with self.explained():
                items, token = page(min(limit, PAGE), token)
            yield from items
            limit -= len(items)
            if not token:
                return

    def _failure(self, error: Any) -> CommandError:
        code, details = error.code(), error.details() or ""
        if code == grpc.StatusCode.UNAVAILABLE:
            return CommandError(f"no collector answers on {self.socket}; start one with `cowitness up`", UNREACHABLE)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return CommandError(f"the collector on {self.socket} did not answer within {DEADLINE:.0f} s", UNREACHABLE)
        return CommandError(details or str(code), CODES.get(code, 1))

    def _look(self) -> None:
        """Say at once what a look at the socket says."""
        try:
            self.socket.stat()
        except PermissionError as error:
            raise CommandError(f"no right to look into {self.socket.parent}", UNREACHABLE) from error
        except OSError as error:
            raise CommandError(
                f"no collector runs here: there is no {self.socket}. Start one with `cowitness up`, or name another "
                "directory with --run-dir or COWITNESS_RUN_DIR.",
                UNREACHABLE,
            ) from error
        if not os.access(self.socket, os.W_OK):
            raise CommandError(f"no right to use {self.socket}; see api.group in the configuration", UNREACHABLE)
