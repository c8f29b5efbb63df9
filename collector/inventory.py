"""The nouns of what there is: agents, the host, services, what they do and whom they talk to. Frozen, as in model.py.

Times are nanoseconds since the epoch. The API's messages in proto/cowitness/v1/cowitness.proto mirror them.
"""

from __future__ import annotations

from msgspec import Struct

from collector.model import Peer, Process
from probes.vocabulary import Capability, Policy

__all__ = [
    "Agent", "Capability", "Edge", "EdgeConnection", "FirstSeen", "Hook", "Host", "PoliciesInForce", "ServiceBehaviour",
    "ServiceVersion",
]  # fmt: skip


class Hook(Struct, frozen=True, omit_defaults=True):
    target: str
    state: str
    reason: str = ""


class Agent(Struct, frozen=True, omit_defaults=True):
    """One app process under the agent, as last heard."""

    process: Process
    mode: str = "monitor"
    version: str = ""
    connect_time: int = 0
    last_seen_time: int = 0
    connected: bool = False
    witnessed: bool = False
    hooks: tuple[Hook, ...] = ()
    counters: dict[str, int] = {}
    policy_version: int = 0


class Host(Struct, frozen=True, omit_defaults=True):
    """The node itself. `counters` are totals: kernel events by kind, drops by reason, memory in bytes by process."""

    host: str
    os_description: str = ""
    kernel_release: str = ""
    architecture: str = ""
    probes_running: bool = False
    probes_reason: str = ""
    capabilities: tuple[Capability, ...] = ()
    counters: dict[str, int] = {}
    collector_version: str = ""
    start_time: int = 0


class ServiceVersion(Struct, frozen=True):
    """How far learning a version of a service has come. `learnt_time` is 0 as long as it goes on; `relearning`: it was
    begun anew, after too many first-seen things."""

    version: str
    start_time: int
    requests: int
    learnt_time: int = 0
    relearning: bool = False


class FirstSeen(Struct, frozen=True):
    """What a request did for the first time after learning: kind program, destination, name or path."""

    kind: str
    name: str
    first_time: int
    last_time: int
    requests: int


class ServiceBehaviour(Struct, frozen=True):
    """What a service normally does. `known` by kind; `no_room`: how many things found none, by kind. `policy` allows
    what is known, but for what stands in `not_in_policy`."""

    service: str
    versions: tuple[ServiceVersion, ...]
    known: dict[str, tuple[str, ...]]
    first_seen: tuple[FirstSeen, ...]
    no_room: dict[str, int]
    policy: Policy
    not_in_policy: tuple[str, ...] = ()


class PoliciesInForce(Struct, frozen=True):
    """`mode` caps every policy's; `reason` is what of them this host does not do. Policies with the service that each
    is for."""

    mode: str
    reason: str = ""
    policies: tuple[tuple[str, Policy], ...] = ()


class EdgeConnection(Struct, frozen=True):
    """One connection of an edge: both ends, when it was made (or accepted), by which process and request, and which
    process accepted it; what is not on this host is 0 or empty."""

    client: Peer
    server: Peer
    time: int
    client_pid: int = 0
    server_pid: int = 0
    request_id: str = ""


class Edge(Struct, frozen=True):
    """Connections from one service to another; of an end that is not on this host there is only the address."""

    client: str
    server: str
    client_address: str
    server_end: Peer
    connections: int
    first_time: int
    last_time: int
    recent: tuple[EdgeConnection, ...] = ()
