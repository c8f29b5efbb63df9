"""What the probes say and hear: pure data, no BCC. The collector imports this module and nothing else of the room.

Bodies of the probe socket's frames, as written down in proto/wire/README.md. Times are nanoseconds since the epoch.
"""

from __future__ import annotations

from typing import Literal

import msgspec

PROBE_HELLO, EVENTS, PROBE_STATS = 33, 34, 35
REGISTER, UNREGISTER, DONE = 49, 50, 51

EventKind = Literal["exec", "fork", "exit", "connect", "accept", "open"]
Attribution = Literal["exact", "inherited", "none"]


class KernelEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that the kernel saw. Fields that a kind does not have keep their defaults.

    `path` is the file really executed (exec), the path as given (open) or the socket's path (Unix connect and accept);
    `result` is a descriptor, 0 or a negative errno; `flags` are open(2)'s.
    """

    kind: EventKind
    time: int
    pid: int
    thread_id: int
    attribution: Attribution = "none"
    request_id: str = ""
    parent_pid: int = 0
    uid: int = 0
    comm: str = ""
    path: str = ""
    argv: tuple[str, ...] = ()
    argv_truncated: bool = False
    family: Literal["", "ipv4", "ipv6", "unix"] = ""
    address: str = ""
    port: int = 0
    flags: int = 0
    result: int = 0
    child_pid: int = 0
    exit_code: int = 0


class Events(msgspec.Struct, frozen=True):
    """EVENTS: a batch, in the order of the ring buffer."""

    events: list[KernelEvent]


class Capability(msgspec.Struct, frozen=True):
    """Something that this kernel lets us do, found out by trying; `reason` says why not."""

    name: str
    available: bool
    reason: str = ""


class ProbeHello(msgspec.Struct, frozen=True):
    """PROBE_HELLO: which host this is and what its kernel offers."""

    pid: int
    host_name: str
    kernel_release: str
    architecture: str
    version: str
    capabilities: list[Capability] = []


class ProbeStats(msgspec.Struct, frozen=True):
    """PROBE_STATS: totals since the start; memory in bytes (resident)."""

    events: dict[str, int]
    dropped: dict[str, int]
    memory_bytes: int
    registered: int


class Pids(msgspec.Struct, frozen=True):
    """REGISTER and UNREGISTER: thread-group ids as the host's pid namespace has them."""

    pids: list[int]


class Done(msgspec.Struct, frozen=True):
    """DONE: the kernel map has changed; `unknown` are pids that do not exist (any more) or did not fit."""

    unknown: list[int] = []
