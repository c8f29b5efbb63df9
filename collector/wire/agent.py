"""Typed bodies of the agent socket's frames: decoding one is its schema check (proto/wire/README.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

RequestId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Text = Annotated[str, Meta(max_length=131072)]
Short = Annotated[str, Meta(max_length=4096)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
HeaderPair = tuple[Short, Text]
Headers = Annotated[list[HeaderPair], Meta(max_length=256)]


class PeerRecord(Struct, frozen=True):
    address: Short = ""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0


class UserRecord(Struct, frozen=True):
    id: Short = ""
    login: Short = ""
    session_id: Short = ""
    metadata: Annotated[dict[Short, Short], Meta(max_length=64)] = {}


class MessagingRecord(Struct, frozen=True):
    """A task: OpenTelemetry's messaging.system, .operation.name, .destination.name and .message.id."""

    system: Short = ""
    operation_name: Short = ""
    destination_name: Short = ""
    message_id: Short = ""


class ExceptionRecord(Struct, frozen=True):
    type: Short = ""
    message: Text = ""
    stack: Annotated[list[Short], Meta(max_length=64)] = []


class BlockedRecord(Struct, frozen=True):
    """Where the agent stopped the request: request, route, user, operation, response, app. Of a response what the app
    had answered."""

    where: Short = ""
    response_id: Short = ""
    status: Annotated[int, Meta(ge=0, le=9999)] = 0
    response_headers: Headers = []


class OperationRecord(Struct, frozen=True):
    index: Annotated[int, Meta(ge=0, lt=1 << 31)]
    kind: Literal["sql", "shell", "argv", "file", "url", "connect", "code", "template", "deserialize", "xml"]
    start_time: Count = 0
    duration: Count = 0
    text: Text = ""
    argv: Annotated[list[Text], Meta(max_length=1024)] = []
    system: Short = ""
    dialect: Short = ""
    parameterised: bool = False
    error: Short = ""
    stack: Annotated[list[Short], Meta(max_length=64)] = []
    blocked: bool = False
    resolved: Annotated[list[Short], Meta(max_length=64)] = []
    flags: Short = ""
    rows: Count | None = None
    server: PeerRecord = PeerRecord()
    late: bool = False


class RequestRecord(Struct, frozen=True, tag="request"):
    request_id: RequestId
    phase: Literal["start", "end"]
    trace_id: Short = ""
    parent_span_id: Short = ""
    start_time: Count = 0
    duration: Count = 0
    thread_id: Count = 0
    method: Short = ""
    scheme: Short = ""
    protocol_version: Short = "1.1"
    host: Short = ""
    target: Text = ""
    path: Text = ""
    query: Text = ""
    route: Short = ""
    path_params: dict[Short, Text] = {}
    headers: Headers = []
    body: Annotated[str, Meta(max_length=524288)] = ""
    body_encoding: Literal["utf-8", "latin-1"] = "utf-8"
    body_size: Count = 0
    body_truncated: bool = False
    peer: PeerRecord = PeerRecord()
    framework: Short = ""
    status: Annotated[int, Meta(ge=0, le=9999)] = 0
    response_headers: Headers = []
    response_body_size: Count | None = None
    user: UserRecord | None = None
    exception: ExceptionRecord | None = None
    operations: Annotated[list[OperationRecord], Meta(max_length=1024)] = []
    blocked: BlockedRecord | None = None
    remote_span_id: Short | None = None
    sent_span_ids: Annotated[list[Short], Meta(max_length=64)] = []
    messaging: MessagingRecord | None = None
    late: bool = False


class LateOperationRecord(Struct, frozen=True, tag="operation"):
    """One operation of a request whose start was already sent."""

    request_id: RequestId
    operation: OperationRecord


class LoginRecord(Struct, frozen=True, tag="login"):
    event_id: RequestId
    outcome: Literal["success", "failure", "logout", "signup", "custom"]
    time: Count
    request_id: Annotated[str, Meta(pattern="^([0-9a-f]{16})?$")] = ""
    trace_id: Short = ""
    framework: Short = ""
    user: UserRecord = UserRecord()
    exists: bool | None = None
    name: Short = ""
    metadata: Annotated[dict[Short, Short], Meta(max_length=64)] = {}


class HookRecord(Struct, frozen=True):
    target: Short
    state: Literal["pending", "installed", "absent", "failed"]
    reason: Short = ""


class Hello(Struct, frozen=True):
    pid: Count
    role: Literal["stream", "verdict"] = "stream"
    agent_version: Short = ""
    mode: Literal["off", "monitor", "block"] = "monitor"
    service: Short = ""
    service_version: Short = ""
    environment: Short = ""
    runtime: Short = ""
    executable: Short = ""
    argv0: Short = ""
    thread_id: Count = 0
    parent_pid: Count = 0
    start_time: Count = 0
    hooks: Annotated[list[HookRecord], Meta(max_length=512)] = []
    counters: dict[Short, Count] = {}


class Batch(Struct, frozen=True):
    records: Annotated[list[RequestRecord | LateOperationRecord | LoginRecord], Meta(max_length=4096)]
    dropped: dict[Short, Count] = {}


class Ask(Struct, frozen=True):
    """About a request, or an operation of it. Where the request has a status its answer is about to go out. `rules`: of
    an operation, that the rules have not seen all of the request's body."""

    request: RequestRecord
    operation: OperationRecord | None = None
    mode: Literal["", "off", "monitor", "block"] = ""
    rules: bool = False


class Status(Struct, frozen=True):
    mode: Literal["off", "monitor", "block"] = "monitor"
    policy_version: Count = 0
    hooks: Annotated[list[HookRecord], Meta(max_length=512)] = []
    counters: dict[Short, Count] = {}


class Policy(Struct, frozen=True):
    """What an agent obeys; `mode` empty means the agent's own setting stands. `lists`: somebody is refused in monitor
    mode, too; `users`: users or sessions are listed; `responses`: a rule that may refuse looks at answers;
    `routes`: a limit that may refuse waits for the route."""

    version: int = 0
    mode: Literal["", "off", "monitor", "block"] = ""
    lists: bool = False
    users: bool = False
    responses: bool = False
    routes: bool = False


class Welcome(Struct, frozen=True):
    witnessed: bool
    deadline_ms: int = 20
    policy: Policy = Policy()


class VerdictFinding(Struct, frozen=True):
    rule_id: str
    category: str
    parameter: str = ""


class Verdict(Struct, frozen=True, omit_defaults=True):
    """`status`, `headers` and `body` are the answer to a request that is blocked. `again`: something was found in it;
    ask once more before its answer goes out."""

    action: Literal["allow", "block"]
    status: int = 0
    response_id: str = ""
    findings: list[VerdictFinding] = []
    headers: list[tuple[str, str]] = []
    body: str | None = None
    again: bool = False


class Error(Struct, frozen=True):
    code: str
    detail: str = ""


decode_hello = msgspec.json.Decoder(Hello).decode
decode_batch = msgspec.json.Decoder(Batch).decode
decode_ask = msgspec.json.Decoder(Ask).decode
decode_status = msgspec.json.Decoder(Status).decode
