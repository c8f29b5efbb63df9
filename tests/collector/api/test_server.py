"""The server around the services: its socket, health, reflection, and its end."""

from __future__ import annotations

import grp
import os
import socket
import stat

import grpc
import pytest
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from collector.api import server
from tests.collector.api.node import served

SERVICES = {"cowitness.v1.AttackTraceService", "cowitness.v1.LoginEventService", "cowitness.v1.NodeService"}


def test_the_sockets_mode() -> None:
    """The socket is for the daemon's user and group; others get nothing. The process's umask is as before."""
    before = os.umask(0o022)
    try:
        with served() as node:
            mode = node.socket.stat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o660
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_the_group() -> None:
    """api.group gets the socket."""
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file to another group")
    group = next(entry for entry in grp.getgrall() if entry.gr_gid not in (os.getegid(), 0))
    with served() as node:
        path = node.run_dir / "second.sock"
        handle = node.call(server.start(path, node.store, node.hub, node.view, group.gr_name))
        assert path.stat().st_gid == group.gr_gid
        node.call(handle.stop(0))


def test_health_and_reflection() -> None:
    """Health says SERVING for the whole and for each service; reflection names the services and their file."""
    with served() as node, grpc.insecure_channel(f"unix:{node.socket}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", *SERVICES):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest
        asked = [ask(list_services=""), ask(file_containing_symbol="cowitness.v1.NodeService")]
        first, second = stub.ServerReflectionInfo(iter(asked))
        assert {one.name for one in first.list_services_response.service} >= SERVICES
        file = descriptor_pb2.FileDescriptorProto.FromString(second.file_descriptor_response.file_descriptor_proto[0])
        assert file.package == "cowitness.v1"


def test_a_socket_left_behind_is_replaced() -> None:
    """What a killed daemon left at the path does not keep the next one from starting."""
    with served() as node:
        path = node.run_dir / "left.sock"
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(path))
        handle = node.call(server.start(path, node.store, node.hub, node.view))
        with grpc.insecure_channel(f"unix:{path}") as channel:
            assert not rpc.NodeServiceStub(channel).ListHosts(pb.ListHostsRequest(), timeout=10).hosts
        node.call(handle.stop(0))


def test_where_it_cannot_listen() -> None:
    """A path that cannot be is an OSError that names it."""
    with served() as node, pytest.raises(OSError, match=r"none/api\.sock"):
        node.call(server.start(node.run_dir / "none" / "api.sock", node.store, node.hub, node.view))


def test_a_request_that_is_too_large() -> None:
    """More than a policy document may have is not read."""
    with served() as node, grpc.insecure_channel(f"unix:{node.socket}") as channel:
        stub = rpc.AttackTraceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetAttackTrace(pb.GetAttackTraceRequest(id="a" * (7 << 20)))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert not rpc.NodeServiceStub(channel).ListHosts(pb.ListHostsRequest()).hosts


def test_bytes_that_are_no_http() -> None:
    """Noise on the socket harms nobody else."""
    with served() as node:
        with socket.socket(socket.AF_UNIX) as noisy:
            noisy.connect(str(node.socket))
            noisy.sendall(os.urandom(65536))
        with grpc.insecure_channel(f"unix:{node.socket}") as channel:
            assert not rpc.NodeServiceStub(channel).ListHosts(pb.ListHostsRequest(), timeout=10).hosts


def test_stopping_ends_the_watchers() -> None:
    """At the end a watcher's stream ends with an error instead of hanging."""
    with served() as node:
        channel = grpc.insecure_channel(f"unix:{node.socket}")
        stream = rpc.AttackTraceServiceStub(channel).WatchAttackTraces(pb.WatchAttackTracesRequest())
        stream.initial_metadata()
    with pytest.raises(grpc.RpcError):
        next(stream)
    channel.close()
