"""The nouns: frozen values that travel between the collector's rooms. No I/O, no behaviour beyond small look-ups.

Times are nanoseconds since the epoch, durations nanoseconds, ids lower-case hexadecimal. Everything here has already
been redacted: a value that must not be stored never gets into one of these. The API's messages in
proto/cowitness/v1/cowitness.proto mirror them.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from probes.vocabulary import KernelEvent

__all__ = [
    "Action", "AttackTrace", "Finding", "KernelEvent", "LoginEvent", "Messaging", "Operation", "Peer", "Process",
    "Request", "RequestReport", "User", "Verdict",
]  # fmt: skip


class Verdict(IntEnum):
    """How far an attack got; each step includes the ones before it."""

    NONE = 0
    ATTEMPTED = 1
    REACHED = 2
    CONFIRMED = 3


class Action(IntEnum):
    """What was done about it."""

    NONE = 0
    MONITORED = 1
    BLOCKED = 2


class Peer(Struct, frozen=True, omit_defaults=True):
    address: str = ""
    port: int = 0


class User(Struct, frozen=True, omit_defaults=True):
    """`session_id` is a digest, never the session key; `metadata` is what the app itself told."""

    id: str = ""
    login: str = ""
    session_id: str = ""
    metadata: dict[str, str] = {}


class Messaging(Struct, frozen=True, omit_defaults=True):
    """Where a request is a task out of a queue (OpenTelemetry's messaging.*)."""

    system: str = ""
    operation_name: str = ""
    destination_name: str = ""
    message_id: str = ""


class Process(Struct, frozen=True, omit_defaults=True):
    """The app's process; `pid` by the socket's credentials, in our pid namespace. `version` is the service's."""

    pid: int = 0
    service: str = ""
    runtime: str = ""
    executable: str = ""
    container_id: str = ""
    host: str = ""
    version: str = ""


class Request(Struct, frozen=True, omit_defaults=True):
    """A request as kept. `client_address` is the user behind trusted proxies, `peer` what the server told the app,
    `kernel_peer` what the kernel saw; `forged_forwarding`: an untrusted peer sent a forwarding header.

    `parent_span_id` is a tracer's own where one works in the app; `remote_span_id` is what the caller named, and
    `sent_span_ids` what others were told as their parent. `response_body_size` is -1 where it is unknown."""

    request_id: str
    trace_id: str = ""
    parent_span_id: str = ""
    start_time: int = 0
    duration: int = 0
    thread_id: int = 0
    method: str = ""
    scheme: str = ""
    host: str = ""
    path: str = ""
    query: str = ""
    route: str = ""
    framework: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    response_headers: tuple[tuple[str, str], ...] = ()
    status: int = 0
    body_size: int = 0
    client_address: str = ""
    forged_forwarding: bool = False
    peer: Peer = Peer()
    kernel_peer: Peer = Peer()
    user: User = User()
    user_agent: str = ""
    exception_type: str = ""
    exception_message: str = ""
    process: Process = Process()
    remote_span_id: str = ""
    sent_span_ids: tuple[str, ...] = ()
    messaging: Messaging = Messaging()
    exception_stack: tuple[str, ...] = ()
    response_body_size: int = -1
    late: bool = False
    protocol_version: str = ""


class Operation(Struct, frozen=True, omit_defaults=True):
    """Something the app did for a request. kind: sql, shell, argv, file, url, connect. `text` is redacted.

    Of a statement: `db_system` (OpenTelemetry's db.system.name), `summary` (its db.query.summary), the `server` it went
    to, and `rows`, touched or held, or -1 where the driver did not know. `late`: it went on without a verdict in time.
    """

    index: int
    kind: str
    start_time: int = 0
    duration: int = 0
    text: str = ""
    system: str = ""
    error: str = ""
    stack: tuple[str, ...] = ()
    blocked: bool = False
    resolved: tuple[str, ...] = ()
    db_system: str = ""
    summary: str = ""
    server: Peer = Peer()
    rows: int = -1
    late: bool = False


class Finding(Struct, frozen=True, omit_defaults=True):
    """One rule and one input. `location`: query, body, path, header, cookie, path_params, file_name.

    `operation_index` is -1 where no operation is concerned; `probe_text` is the un-redacted input that the correlator
    compares with what the kernel saw (never stored: the correlator strips it).
    """

    rule_id: str
    rule_name: str
    category: str
    stage: Verdict
    tags: tuple[str, ...] = ()
    action: Action = Action.MONITORED
    location: str = ""
    parameter: str = ""
    value: str = ""
    highlight: str = ""
    operation_index: int = -1
    statement: str = ""
    probe_text: str = ""


class RequestReport(Struct, frozen=True, omit_defaults=True):
    """What an inspector tells the core of one request that has findings. `final` is False for an early report."""

    request: Request
    findings: tuple[Finding, ...]
    operations: tuple[Operation, ...] = ()
    final: bool = True


class AttackTrace(Struct, frozen=True, omit_defaults=True):
    """A request with everything both witnesses said of it. `id` is the request id.

    `repeats` counts requests like this one whose traces were left out (collector/correlate/floods.py).
    `evidence` holds indexes into `kernel_events`: those that made it confirmed. `linked` are requests of the same W3C
    trace in which nothing was found, without their headers; those that are attack traces themselves have its trace id.
    `asked_by` and `asked`: ids of requests that by the kernel's word on a connection asked for this one, and that this
    one asked for; they are `linked`, too.
    """

    id: str
    verdict: Verdict
    action: Action
    request: Request
    findings: tuple[Finding, ...] = ()
    operations: tuple[Operation, ...] = ()
    kernel_events: tuple[KernelEvent, ...] = ()
    evidence: tuple[int, ...] = ()
    kernel_events_dropped: int = 0
    unwitnessed: bool = False
    update_time: int = 0
    linked: tuple[Request, ...] = ()
    asked_by: str = ""
    asked: tuple[str, ...] = ()
    repeats: int = 0
    last_repeat_time: int = 0


class LoginEvent(Struct, frozen=True, omit_defaults=True):
    """Something a user did. outcome: success, failure, logout, signup, custom (then it has a `name`).

    `exists` says of a failure whether there is such a user, where the app told. A login to the host itself has the
    framework "pam": `process` is the one that asked PAM, its service PAM's; `kernel_events` are what its session
    executed, `session` is the login in whose session this one happened (sudo), or that a logout ends.
    """

    id: str
    time: int
    outcome: str
    user: User = User()
    trace_id: str = ""
    request_id: str = ""
    framework: str = ""
    client_address: str = ""
    forged_forwarding: bool = False
    peer: Peer = Peer()
    kernel_peer: Peer = Peer()
    process: Process = Process()
    user_agent: str = ""
    path: str = ""
    exists: bool | None = None
    name: str = ""
    metadata: dict[str, str] = {}
    kernel_events: tuple[KernelEvent, ...] = ()
    kernel_events_dropped: int = 0
    session: str = ""
