"""What the probes say and hear: pure data, no BCC. The collector imports this module and nothing else of the room.

Bodies of the probe socket's frames, as written down in proto/wire/README.md. Times are nanoseconds since the epoch.
"""

from __future__ import annotations

from typing import Literal

import msgspec

PROBE_HELLO, EVENTS, PROBE_STATS = 33, 34, 35
REGISTER, UNREGISTER, DONE, ENFORCE = 49, 50, 51, 52

EventKind = Literal[
    "exec", "fork", "exit", "connect", "accept", "open", "bind", "listen", "send", "dns", "io_uring", "memfd",
    "executable_memory", "stream", "ptrace", "credentials", "module", "bpf", "mount", "namespace", "delete", "rename",
    "link", "chmod", "signal", "decision", "login", "turn", "truncate", "chown",
]  # fmt: skip
Attribution = Literal["exact", "inherited", "none"]


NO_LOGIN = 0xFFFFFFFF
"""The login user of a process that no login began: a service."""


class Ancestor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process above another one; with `start` (ns since the epoch) its pid means one process only."""

    pid: int
    start: int = 0
    comm: str = ""


class KernelEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that the kernel saw. Fields that a kind does not have keep their defaults.

    `operation`: the call, or what was asked of it. `path`: the file really executed (exec), the path as given (open,
    delete, rename, link, chmod, chown, truncate, mount), the socket's path (Unix), the name asked for (dns, memfd), the
    module's.
    `target`: the new name (rename), the link's, the mount's place, the type of a DNS question, a nameless file's name.
    `result`: a descriptor, 0 or a negative errno. `flags`: open(2)'s, a mode, a protection, a signal, namespaces.
    `streams`: which of the descriptors 0, 1, 2 are sockets, as bits; of the first such the other end.
    `nameless`: what is executed has no name on disk. `verified`: the address is the kernel's, not the caller's memory.
    `service`, `user`, `tty`: of a login through PAM; its `path` is the remote host as PAM was told, `target` the user
    there, `result` PAM's code, the address that of a connection which the process holds. The operation "end" is a login
    that came to nothing without PAM being asked; `size` counts what the service refused by itself (keys).
    `policy`: of a decision the policy's name, `enforced` whether it was more than "would have"; where its result is 0
    all the same, the process has ended, but its call had its effect.
    `local_address`, `local_port` (connect, accept, turn): the own end of a TCP connection, `net` the number of the
    network namespace that it is in. A turn is a send on a connection that the process made, the first or the first
    after something came back; `size` counts them (bpf/turns.c). `service` of a connect: who accepted it, where we know.
    `process_start` (ns since the epoch, the same for all events of a process) makes `pid` unambiguous. `login_uid`: who
    logged in, whatever sudo has done since. `ancestors` (exec: parent first), `container_id`, `unit` (systemd's).
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
    process_start: int = 0
    login_uid: int = NO_LOGIN
    operation: str = ""
    target: str = ""
    target_pid: int = 0
    size: int = 0
    ids: tuple[int, ...] = ()
    streams: int = 0
    nameless: bool = False
    verified: bool = False
    ancestors: tuple[Ancestor, ...] = ()
    container_id: str = ""
    unit: str = ""
    policy: str = ""
    enforced: bool = False
    service: str = ""
    user: str = ""
    tty: str = ""
    local_address: str = ""
    local_port: int = 0
    net: int = 0


EVIDENCE = frozenset(("exec", "decision", "login", "ptrace", "module", "bpf", "memfd", "stream"))
MASS = frozenset(("open", "send", "turn"))
"""Kinds that are worth most, and least: what comes in masses proves little by itself."""


def worth(event: KernelEvent) -> int:
    """0, 1 or 2: where not everything can be kept, what is worth least goes first. Opens without a mark are those of
    sensitive paths."""
    if event.kind in EVIDENCE or (event.kind == "open" and event.attribution == "none"):
        return 2
    return 0 if event.kind in MASS else 1


ROOM = (0.5, 0.9, 1.0)
"""How full a queue may be for what is worth 0, 1 and 2."""

DELAYS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
"""Seconds."""


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
    """PROBE_STATS: totals since the start; memory in bytes (resident).

    `runs` and `run_ns`: how often the kernel ran each program, and for how long; empty where it does not count.
    `delays`: events by how long they waited for the probe process, counts by the bounds of DELAYS (the last: longer),
    and `delay_ns` in all. `waiting_bytes` wait for the core to read. `lost`: events that found no room, in a ring or on
    the way to the core, by kind.
    """

    events: dict[str, int]
    dropped: dict[str, int]
    memory_bytes: int
    registered: int
    runs: dict[str, int] = {}
    run_ns: dict[str, int] = {}
    delays: list[int] = []
    delay_ns: int = 0
    waiting_bytes: int = 0
    known_processes: int = 0
    lost: dict[str, int] = {}


class Pids(msgspec.Struct, frozen=True, omit_defaults=True):
    """REGISTER and UNREGISTER: thread-group ids as the host's pid namespace has them. `policy`: what holds for them and
    all that descends from them; empty for none."""

    pids: list[int]
    policy: str = ""


Mode = Literal["off", "observe", "enforce"]
MODES: tuple[Mode, ...] = ("off", "observe", "enforce")
"""Each allows less than the one before; the kernel's numbers of them."""


class Policy(msgspec.Struct, frozen=True):
    """What processes may execute, connect to and open. `scope`: in requests only, or always. `execute`: anything,
    nothing, no shells, or `programs` only (paths as they are called). `connect`: anywhere, not to addresses that tell a
    cloud's secrets, not to private networks either, or to `networks` only; what `networks` name is always allowed.
    `deny_read` and `deny_write`: absolute paths, or with a slash at the end everything below a directory."""

    name: str
    mode: Mode = "observe"
    scope: Literal["requests", "processes"] = "requests"
    execute: Literal["any", "none", "no-shells", "listed"] = "any"
    programs: tuple[str, ...] = ()
    connect: Literal["any", "no-metadata", "no-private", "listed"] = "any"
    networks: tuple[str, ...] = ()
    deny_read: tuple[str, ...] = ()
    deny_write: tuple[str, ...] = ()


class Enforce(msgspec.Struct, frozen=True):
    """ENFORCE: the policies from now on, instead of all before; `mode` caps theirs."""

    mode: Mode
    policies: list[Policy] = []


class Done(msgspec.Struct, frozen=True):
    """DONE: the kernel map has changed; `unknown` are pids that do not exist (any more) or did not fit. `reason`: what
    of ENFORCE this kernel does not let us do."""

    unknown: list[int] = []
    reason: str = ""
