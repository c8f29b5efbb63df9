"""The gRPC server on a Unix socket: the services, health (grpc.health.v1) and reflection.

The socket's mode is the access control: 0660, so the daemon's user and one group. There is no TLS and no log-in here;
what wants to be asked from elsewhere puts a proxy of its own in front.
"""

from __future__ import annotations

import grp
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import structlog
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from collector.api.behaviours import Behaviours, BehaviourView
from collector.api.policies import Policies
from collector.api.services import AttackTraces, LoginEvents, Nodes, NodeView
from collector.hub import Hub
from collector.policy.document import MAX_DOCUMENT
from collector.store.base import Store

NAME = "api.sock"
MODE = 0o660
MAX_ANSWER = 64 << 20
"""Bytes of one message to a client; pages end after 8 MiB, a single trace is smaller than that by far."""

OPTIONS = (
    ("grpc.max_receive_message_length", MAX_DOCUMENT + 65536),
    ("grpc.max_send_message_length", MAX_ANSWER),
    ("grpc.max_concurrent_streams", 128),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.so_reuseport", 0),
)
SERVICES = tuple(f"cowitness.v1.{name}" for name in pb.DESCRIPTOR.services_by_name)

log = structlog.get_logger()


class Handle:
    """A running server."""

    def __init__(self, server: grpc.aio.Server, state: Any, executor: ThreadPoolExecutor) -> None:
        self._server, self._state, self._executor = server, state, executor

    async def stop(self, grace: float = 1.0) -> None:
        """Take no more calls, give running ones `grace` seconds, end the watchers."""
        await self._state.enter_graceful_shutdown()
        await self._server.stop(grace)
        self._executor.shutdown()


async def start(
    socket: Path,
    store: Store,
    hub: Hub,
    node: NodeView,
    group: str = "",
    policies: Policies | None = None,
    behaviour: BehaviourView | None = None,
) -> Handle:
    """Serve at `socket`, replacing what stands there; `group` may use it too. Raises OSError where it cannot listen."""
    executor = ThreadPoolExecutor(4, "api")
    server = grpc.aio.server(options=OPTIONS)
    rpc.add_AttackTraceServiceServicer_to_server(AttackTraces(store, hub, executor, node.left_out), server)  # type: ignore[no-untyped-call]
    rpc.add_LoginEventServiceServicer_to_server(LoginEvents(store, hub, executor), server)  # type: ignore[no-untyped-call]
    rpc.add_NodeServiceServicer_to_server(Nodes(node), server)  # type: ignore[no-untyped-call]
    if policies is not None:
        rpc.add_PolicyServiceServicer_to_server(policies, server)  # type: ignore[no-untyped-call]
    if behaviour is not None:
        rpc.add_BehaviourServiceServicer_to_server(Behaviours(behaviour), server)  # type: ignore[no-untyped-call]
    state = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    for name in ("", *SERVICES):
        await state.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    _bind(server, socket, group)
    await server.start()
    return Handle(server, state, executor)


def _bind(server: grpc.aio.Server, socket: Path, group: str) -> None:
    """Listen with the right mode from the first moment on."""
    before = os.umask(0o777 & ~MODE)
    try:
        server.add_insecure_port(f"unix:{socket}")
    except RuntimeError as error:
        raise OSError(f"cannot listen on {socket}: {error}") from error
    finally:
        os.umask(before)
    socket.chmod(MODE)
    if group:
        try:
            os.chown(socket, -1, grp.getgrnam(group).gr_gid)
        except (OSError, KeyError) as error:
            log.warning("the API's socket cannot be given to its group", group=group, error=str(error))
