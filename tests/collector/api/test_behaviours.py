"""BehaviourService, asked over a real Unix socket."""

from __future__ import annotations

import grpc
import pytest
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc

from collector.api import server
from collector.inventory import FirstSeen, ServiceBehaviour, ServiceVersion
from probes.vocabulary import Policy
from tests.collector.api.node import served

SHOP = ServiceBehaviour(
    "shop", (ServiceVersion("1.2", 10**18, 7, 2 * 10**18, True),),
    {"program": ("/bin/sh",), "destination": ("10.0.0.7:80",), "name": ("db",), "path": ("write /srv/x",)},
    (FirstSeen("program", "/bin/nc", 10**18, 2 * 10**18, 3),), {"path": 4},
    Policy("shop", execute="listed", programs=("/bin/sh",)), ("destination x",),
)  # fmt: skip


class Known:
    """What a core would know."""

    def __init__(self) -> None:
        self.found = {f"s{number}": SHOP for number in range(149)} | {"shop": SHOP}

    def all(self) -> list[ServiceBehaviour]:
        return list(self.found.values())

    def of(self, service: str) -> ServiceBehaviour | None:
        return self.found.get(service)

    def forget(self, service: str) -> bool:
        return self.found.pop(service, None) is not None


def test_list_get_delete() -> None:
    """Two pages hold all; one by its name, with every field; who is deleted, or never was, is not found."""
    with served() as node:
        path = node.run_dir / "behaviour.sock"
        handle = node.call(server.start(path, node.store, node.hub, node.view, behaviour=Known()))
        with grpc.insecure_channel(f"unix:{path}") as channel:
            api = rpc.BehaviourServiceStub(channel)
            first = api.ListBehaviours(pb.ListBehavioursRequest(), timeout=10)
            rest = api.ListBehaviours(pb.ListBehavioursRequest(page_token=first.next_page_token), timeout=10)
            assert (len(first.behaviours), len(rest.behaviours), rest.next_page_token) == (100, 50, "")
            one = api.GetBehaviour(pb.GetBehaviourRequest(service_name="shop"), timeout=10)
            left_out = {field.name for field in one.DESCRIPTOR.fields} - {field.name for field, _ in one.ListFields()}
            assert (left_out, one.policy.service_name, list(one.programs)) == (set(), "shop", ["/bin/sh"])
            assert one.versions[0].HasField("learnt_time")
            api.DeleteBehaviour(pb.DeleteBehaviourRequest(service_name="shop"), timeout=10)
            for call in (api.GetBehaviour, api.DeleteBehaviour):
                with pytest.raises(grpc.RpcError) as caught:
                    call(pb.GetBehaviourRequest(service_name="shop"), timeout=10)
                assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        node.call(handle.stop(0))
