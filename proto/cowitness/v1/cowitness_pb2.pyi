import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_ATTEMPTED: _ClassVar[Verdict]
    VERDICT_REACHED: _ClassVar[Verdict]
    VERDICT_CONFIRMED: _ClassVar[Verdict]

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_MONITORED: _ClassVar[Action]
    ACTION_BLOCKED: _ClassVar[Action]

class Attribution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTION_UNSPECIFIED: _ClassVar[Attribution]
    ATTRIBUTION_EXACT: _ClassVar[Attribution]
    ATTRIBUTION_INHERITED: _ClassVar[Attribution]
    ATTRIBUTION_NONE: _ClassVar[Attribution]

class Relation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATION_UNSPECIFIED: _ClassVar[Relation]
    RELATION_PARENT: _ClassVar[Relation]
    RELATION_CHILD: _ClassVar[Relation]

class LinkSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_SOURCE_UNSPECIFIED: _ClassVar[LinkSource]
    LINK_SOURCE_TRACE_ID: _ClassVar[LinkSource]
    LINK_SOURCE_CONNECTION: _ClassVar[LinkSource]

class LoginOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOGIN_OUTCOME_UNSPECIFIED: _ClassVar[LoginOutcome]
    LOGIN_OUTCOME_SUCCESS: _ClassVar[LoginOutcome]
    LOGIN_OUTCOME_FAILURE: _ClassVar[LoginOutcome]
    LOGIN_OUTCOME_LOGOUT: _ClassVar[LoginOutcome]
    LOGIN_OUTCOME_SIGNUP: _ClassVar[LoginOutcome]
    LOGIN_OUTCOME_CUSTOM: _ClassVar[LoginOutcome]
VERDICT_UNSPECIFIED: Verdict
VERDICT_ATTEMPTED: Verdict
VERDICT_REACHED: Verdict
VERDICT_CONFIRMED: Verdict
ACTION_UNSPECIFIED: Action
ACTION_MONITORED: Action
ACTION_BLOCKED: Action
ATTRIBUTION_UNSPECIFIED: Attribution
ATTRIBUTION_EXACT: Attribution
ATTRIBUTION_INHERITED: Attribution
ATTRIBUTION_NONE: Attribution
RELATION_UNSPECIFIED: Relation
RELATION_PARENT: Relation
RELATION_CHILD: Relation
LINK_SOURCE_UNSPECIFIED: LinkSource
LINK_SOURCE_TRACE_ID: LinkSource
LINK_SOURCE_CONNECTION: LinkSource
LOGIN_OUTCOME_UNSPECIFIED: LoginOutcome
LOGIN_OUTCOME_SUCCESS: LoginOutcome
LOGIN_OUTCOME_FAILURE: LoginOutcome
LOGIN_OUTCOME_LOGOUT: LoginOutcome
LOGIN_OUTCOME_SIGNUP: LoginOutcome
LOGIN_OUTCOME_CUSTOM: LoginOutcome

class NetworkPeer(_message.Message):
    __slots__ = ("address", "port")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    address: str
    port: int
    def __init__(self, address: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "login", "session_id", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    login: str
    session_id: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[str] = ..., login: _Optional[str] = ..., session_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Messaging(_message.Message):
    __slots__ = ("system", "operation_name", "destination_name", "message_id")
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    OPERATION_NAME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    system: str
    operation_name: str
    destination_name: str
    message_id: str
    def __init__(self, system: _Optional[str] = ..., operation_name: _Optional[str] = ..., destination_name: _Optional[str] = ..., message_id: _Optional[str] = ...) -> None: ...

class Process(_message.Message):
    __slots__ = ("pid", "service_name", "runtime_version", "executable_path", "container_id", "host_name", "service_version")
    PID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_PATH_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    pid: int
    service_name: str
    runtime_version: str
    executable_path: str
    container_id: str
    host_name: str
    service_version: str
    def __init__(self, pid: _Optional[int] = ..., service_name: _Optional[str] = ..., runtime_version: _Optional[str] = ..., executable_path: _Optional[str] = ..., container_id: _Optional[str] = ..., host_name: _Optional[str] = ..., service_version: _Optional[str] = ...) -> None: ...

class HttpRequest(_message.Message):
    __slots__ = ("trace_id", "span_id", "parent_span_id", "start_time", "duration", "method", "url_path", "url_query", "url_scheme", "server_address", "route", "framework", "request_headers", "response_headers", "status_code", "body_size", "client_address", "peer", "kernel_peer", "user", "process", "thread_id", "user_agent", "exception_type", "exception_message", "messaging", "response_body_size", "exception_stack", "late", "network_protocol_version")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    URL_PATH_FIELD_NUMBER: _ClassVar[int]
    URL_QUERY_FIELD_NUMBER: _ClassVar[int]
    URL_SCHEME_FIELD_NUMBER: _ClassVar[int]
    SERVER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HEADERS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_HEADERS_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    BODY_SIZE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    KERNEL_PEER_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGING_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_BODY_SIZE_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_STACK_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    NETWORK_PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    span_id: str
    parent_span_id: str
    start_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    method: str
    url_path: str
    url_query: str
    url_scheme: str
    server_address: str
    route: str
    framework: str
    request_headers: _containers.RepeatedCompositeFieldContainer[Header]
    response_headers: _containers.RepeatedCompositeFieldContainer[Header]
    status_code: int
    body_size: int
    client_address: str
    peer: NetworkPeer
    kernel_peer: NetworkPeer
    user: User
    process: Process
    thread_id: int
    user_agent: str
    exception_type: str
    exception_message: str
    messaging: Messaging
    response_body_size: int
    exception_stack: _containers.RepeatedScalarFieldContainer[str]
    late: bool
    network_protocol_version: str
    def __init__(self, trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., parent_span_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., method: _Optional[str] = ..., url_path: _Optional[str] = ..., url_query: _Optional[str] = ..., url_scheme: _Optional[str] = ..., server_address: _Optional[str] = ..., route: _Optional[str] = ..., framework: _Optional[str] = ..., request_headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., response_headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., status_code: _Optional[int] = ..., body_size: _Optional[int] = ..., client_address: _Optional[str] = ..., peer: _Optional[_Union[NetworkPeer, _Mapping]] = ..., kernel_peer: _Optional[_Union[NetworkPeer, _Mapping]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., process: _Optional[_Union[Process, _Mapping]] = ..., thread_id: _Optional[int] = ..., user_agent: _Optional[str] = ..., exception_type: _Optional[str] = ..., exception_message: _Optional[str] = ..., messaging: _Optional[_Union[Messaging, _Mapping]] = ..., response_body_size: _Optional[int] = ..., exception_stack: _Optional[_Iterable[str]] = ..., late: _Optional[bool] = ..., network_protocol_version: _Optional[str] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("index", "kind", "start_time", "duration", "text", "system", "error_type", "stack", "blocked", "db_system_name", "db_query_summary", "server", "row_count", "late")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    DB_SYSTEM_NAME_FIELD_NUMBER: _ClassVar[int]
    DB_QUERY_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    index: int
    kind: str
    start_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    text: str
    system: str
    error_type: str
    stack: _containers.RepeatedScalarFieldContainer[str]
    blocked: bool
    db_system_name: str
    db_query_summary: str
    server: NetworkPeer
    row_count: int
    late: bool
    def __init__(self, index: _Optional[int] = ..., kind: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., text: _Optional[str] = ..., system: _Optional[str] = ..., error_type: _Optional[str] = ..., stack: _Optional[_Iterable[str]] = ..., blocked: _Optional[bool] = ..., db_system_name: _Optional[str] = ..., db_query_summary: _Optional[str] = ..., server: _Optional[_Union[NetworkPeer, _Mapping]] = ..., row_count: _Optional[int] = ..., late: _Optional[bool] = ...) -> None: ...

class KernelEvent(_message.Message):
    __slots__ = ("kind", "time", "attribution", "pid", "thread_id", "parent_pid", "user_id", "comm", "executable_path", "argv", "argv_truncated", "family", "peer", "path", "flags", "result", "child_pid", "exit_code", "evidence", "process_creation_time", "login_user_id", "operation", "target", "target_pid", "size", "ids", "socket_streams", "nameless", "verified", "ancestors", "container_id", "unit", "policy", "enforced", "local", "network_namespace", "peer_service_name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_PID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    COMM_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_PATH_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    ARGV_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHILD_PID_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    PROCESS_CREATION_TIME_FIELD_NUMBER: _ClassVar[int]
    LOGIN_USER_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TARGET_PID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SOCKET_STREAMS_FIELD_NUMBER: _ClassVar[int]
    NAMELESS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    ANCESTORS_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    ENFORCED_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    NETWORK_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PEER_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    time: _timestamp_pb2.Timestamp
    attribution: Attribution
    pid: int
    thread_id: int
    parent_pid: int
    user_id: int
    comm: str
    executable_path: str
    argv: _containers.RepeatedScalarFieldContainer[str]
    argv_truncated: bool
    family: str
    peer: NetworkPeer
    path: str
    flags: int
    result: int
    child_pid: int
    exit_code: int
    evidence: bool
    process_creation_time: _timestamp_pb2.Timestamp
    login_user_id: int
    operation: str
    target: str
    target_pid: int
    size: int
    ids: _containers.RepeatedScalarFieldContainer[int]
    socket_streams: int
    nameless: bool
    verified: bool
    ancestors: _containers.RepeatedCompositeFieldContainer[Ancestor]
    container_id: str
    unit: str
    policy: str
    enforced: bool
    local: NetworkPeer
    network_namespace: int
    peer_service_name: str
    def __init__(self, kind: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, str]] = ..., pid: _Optional[int] = ..., thread_id: _Optional[int] = ..., parent_pid: _Optional[int] = ..., user_id: _Optional[int] = ..., comm: _Optional[str] = ..., executable_path: _Optional[str] = ..., argv: _Optional[_Iterable[str]] = ..., argv_truncated: _Optional[bool] = ..., family: _Optional[str] = ..., peer: _Optional[_Union[NetworkPeer, _Mapping]] = ..., path: _Optional[str] = ..., flags: _Optional[int] = ..., result: _Optional[int] = ..., child_pid: _Optional[int] = ..., exit_code: _Optional[int] = ..., evidence: _Optional[bool] = ..., process_creation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., login_user_id: _Optional[int] = ..., operation: _Optional[str] = ..., target: _Optional[str] = ..., target_pid: _Optional[int] = ..., size: _Optional[int] = ..., ids: _Optional[_Iterable[int]] = ..., socket_streams: _Optional[int] = ..., nameless: _Optional[bool] = ..., verified: _Optional[bool] = ..., ancestors: _Optional[_Iterable[_Union[Ancestor, _Mapping]]] = ..., container_id: _Optional[str] = ..., unit: _Optional[str] = ..., policy: _Optional[str] = ..., enforced: _Optional[bool] = ..., local: _Optional[_Union[NetworkPeer, _Mapping]] = ..., network_namespace: _Optional[int] = ..., peer_service_name: _Optional[str] = ...) -> None: ...

class Ancestor(_message.Message):
    __slots__ = ("pid", "creation_time", "comm")
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATION_TIME_FIELD_NUMBER: _ClassVar[int]
    COMM_FIELD_NUMBER: _ClassVar[int]
    pid: int
    creation_time: _timestamp_pb2.Timestamp
    comm: str
    def __init__(self, pid: _Optional[int] = ..., creation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., comm: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("rule_id", "rule_name", "category", "tags", "stage", "action", "location", "parameter", "value", "highlight", "operation_index", "statement")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHT_FIELD_NUMBER: _ClassVar[int]
    OPERATION_INDEX_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    rule_name: str
    category: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    stage: Verdict
    action: Action
    location: str
    parameter: str
    value: str
    highlight: str
    operation_index: int
    statement: str
    def __init__(self, rule_id: _Optional[str] = ..., rule_name: _Optional[str] = ..., category: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., stage: _Optional[_Union[Verdict, str]] = ..., action: _Optional[_Union[Action, str]] = ..., location: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[str] = ..., highlight: _Optional[str] = ..., operation_index: _Optional[int] = ..., statement: _Optional[str] = ...) -> None: ...

class LinkedRequest(_message.Message):
    __slots__ = ("id", "relation", "verdict", "action", "categories", "request", "found_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    FOUND_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    relation: Relation
    verdict: Verdict
    action: Action
    categories: _containers.RepeatedScalarFieldContainer[str]
    request: HttpRequest
    found_by: LinkSource
    def __init__(self, id: _Optional[str] = ..., relation: _Optional[_Union[Relation, str]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., action: _Optional[_Union[Action, str]] = ..., categories: _Optional[_Iterable[str]] = ..., request: _Optional[_Union[HttpRequest, _Mapping]] = ..., found_by: _Optional[_Union[LinkSource, str]] = ...) -> None: ...

class AttackTrace(_message.Message):
    __slots__ = ("id", "verdict", "action", "categories", "request", "findings", "operations", "kernel_events", "update_time", "kernel_events_dropped", "unwitnessed", "linked", "repeat_count", "last_repeat_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    KERNEL_EVENTS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    UNWITNESSED_FIELD_NUMBER: _ClassVar[int]
    LINKED_FIELD_NUMBER: _ClassVar[int]
    REPEAT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_REPEAT_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    verdict: Verdict
    action: Action
    categories: _containers.RepeatedScalarFieldContainer[str]
    request: HttpRequest
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    kernel_events: _containers.RepeatedCompositeFieldContainer[KernelEvent]
    update_time: _timestamp_pb2.Timestamp
    kernel_events_dropped: int
    unwitnessed: bool
    linked: _containers.RepeatedCompositeFieldContainer[LinkedRequest]
    repeat_count: int
    last_repeat_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., action: _Optional[_Union[Action, str]] = ..., categories: _Optional[_Iterable[str]] = ..., request: _Optional[_Union[HttpRequest, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., kernel_events: _Optional[_Iterable[_Union[KernelEvent, _Mapping]]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kernel_events_dropped: _Optional[int] = ..., unwitnessed: _Optional[bool] = ..., linked: _Optional[_Iterable[_Union[LinkedRequest, _Mapping]]] = ..., repeat_count: _Optional[int] = ..., last_repeat_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LoginEvent(_message.Message):
    __slots__ = ("id", "time", "outcome", "user", "trace_id", "request_id", "framework", "client_address", "peer", "kernel_peer", "process", "user_agent", "url_path", "forged_forwarding", "user_exists", "event_name", "metadata", "kernel_events", "kernel_events_dropped", "session_id")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    KERNEL_PEER_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    URL_PATH_FIELD_NUMBER: _ClassVar[int]
    FORGED_FORWARDING_FIELD_NUMBER: _ClassVar[int]
    USER_EXISTS_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    KERNEL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_EVENTS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    outcome: LoginOutcome
    user: User
    trace_id: str
    request_id: str
    framework: str
    client_address: str
    peer: NetworkPeer
    kernel_peer: NetworkPeer
    process: Process
    user_agent: str
    url_path: str
    forged_forwarding: bool
    user_exists: bool
    event_name: str
    metadata: _containers.ScalarMap[str, str]
    kernel_events: _containers.RepeatedCompositeFieldContainer[KernelEvent]
    kernel_events_dropped: int
    session_id: str
    def __init__(self, id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[LoginOutcome, str]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., trace_id: _Optional[str] = ..., request_id: _Optional[str] = ..., framework: _Optional[str] = ..., client_address: _Optional[str] = ..., peer: _Optional[_Union[NetworkPeer, _Mapping]] = ..., kernel_peer: _Optional[_Union[NetworkPeer, _Mapping]] = ..., process: _Optional[_Union[Process, _Mapping]] = ..., user_agent: _Optional[str] = ..., url_path: _Optional[str] = ..., forged_forwarding: _Optional[bool] = ..., user_exists: _Optional[bool] = ..., event_name: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., kernel_events: _Optional[_Iterable[_Union[KernelEvent, _Mapping]]] = ..., kernel_events_dropped: _Optional[int] = ..., session_id: _Optional[str] = ...) -> None: ...

class Hook(_message.Message):
    __slots__ = ("target", "state", "reason")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    target: str
    state: str
    reason: str
    def __init__(self, target: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("process", "mode", "agent_version", "connect_time", "last_seen_time", "connected", "witnessed", "hooks", "counters", "policy_version")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    AGENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    WITNESSED_FIELD_NUMBER: _ClassVar[int]
    HOOKS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    process: Process
    mode: str
    agent_version: str
    connect_time: _timestamp_pb2.Timestamp
    last_seen_time: _timestamp_pb2.Timestamp
    connected: bool
    witnessed: bool
    hooks: _containers.RepeatedCompositeFieldContainer[Hook]
    counters: _containers.ScalarMap[str, int]
    policy_version: int
    def __init__(self, process: _Optional[_Union[Process, _Mapping]] = ..., mode: _Optional[str] = ..., agent_version: _Optional[str] = ..., connect_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., connected: _Optional[bool] = ..., witnessed: _Optional[bool] = ..., hooks: _Optional[_Iterable[_Union[Hook, _Mapping]]] = ..., counters: _Optional[_Mapping[str, int]] = ..., policy_version: _Optional[int] = ...) -> None: ...

class Capability(_message.Message):
    __slots__ = ("name", "available", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    available: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., available: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class Host(_message.Message):
    __slots__ = ("host_name", "os_description", "kernel_release", "architecture", "probes_running", "probes_reason", "capabilities", "counters", "collector_version", "start_time")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    OS_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KERNEL_RELEASE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    PROBES_RUNNING_FIELD_NUMBER: _ClassVar[int]
    PROBES_REASON_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    COLLECTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    host_name: str
    os_description: str
    kernel_release: str
    architecture: str
    probes_running: bool
    probes_reason: str
    capabilities: _containers.RepeatedCompositeFieldContainer[Capability]
    counters: _containers.ScalarMap[str, int]
    collector_version: str
    start_time: _timestamp_pb2.Timestamp
    def __init__(self, host_name: _Optional[str] = ..., os_description: _Optional[str] = ..., kernel_release: _Optional[str] = ..., architecture: _Optional[str] = ..., probes_running: _Optional[bool] = ..., probes_reason: _Optional[str] = ..., capabilities: _Optional[_Iterable[_Union[Capability, _Mapping]]] = ..., counters: _Optional[_Mapping[str, int]] = ..., collector_version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AttackTraceFilter(_message.Message):
    __slots__ = ("start_time", "end_time", "service_name", "verdict", "exact_verdict", "client_address", "user", "category", "trace_id")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    EXACT_VERDICT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    service_name: str
    verdict: Verdict
    exact_verdict: bool
    client_address: str
    user: str
    category: str
    trace_id: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., service_name: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., exact_verdict: _Optional[bool] = ..., client_address: _Optional[str] = ..., user: _Optional[str] = ..., category: _Optional[str] = ..., trace_id: _Optional[str] = ...) -> None: ...

class LoginEventFilter(_message.Message):
    __slots__ = ("start_time", "end_time", "service_name", "outcome", "client_address", "user")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    service_name: str
    outcome: LoginOutcome
    client_address: str
    user: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., service_name: _Optional[str] = ..., outcome: _Optional[_Union[LoginOutcome, str]] = ..., client_address: _Optional[str] = ..., user: _Optional[str] = ...) -> None: ...

class ListAttackTracesRequest(_message.Message):
    __slots__ = ("filter", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: AttackTraceFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[AttackTraceFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAttackTracesResponse(_message.Message):
    __slots__ = ("attack_traces", "next_page_token")
    ATTACK_TRACES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attack_traces: _containers.RepeatedCompositeFieldContainer[AttackTrace]
    next_page_token: str
    def __init__(self, attack_traces: _Optional[_Iterable[_Union[AttackTrace, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetAttackTraceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchAttackTracesRequest(_message.Message):
    __slots__ = ("filter",)
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: AttackTraceFilter
    def __init__(self, filter: _Optional[_Union[AttackTraceFilter, _Mapping]] = ...) -> None: ...

class WatchAttackTracesResponse(_message.Message):
    __slots__ = ("attack_trace", "missed")
    ATTACK_TRACE_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    attack_trace: AttackTrace
    missed: int
    def __init__(self, attack_trace: _Optional[_Union[AttackTrace, _Mapping]] = ..., missed: _Optional[int] = ...) -> None: ...

class ListLoginEventsRequest(_message.Message):
    __slots__ = ("filter", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: LoginEventFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[LoginEventFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLoginEventsResponse(_message.Message):
    __slots__ = ("login_events", "next_page_token")
    LOGIN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    login_events: _containers.RepeatedCompositeFieldContainer[LoginEvent]
    next_page_token: str
    def __init__(self, login_events: _Optional[_Iterable[_Union[LoginEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetLoginEventRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchLoginEventsRequest(_message.Message):
    __slots__ = ("filter",)
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: LoginEventFilter
    def __init__(self, filter: _Optional[_Union[LoginEventFilter, _Mapping]] = ...) -> None: ...

class WatchLoginEventsResponse(_message.Message):
    __slots__ = ("login_event", "missed")
    LOGIN_EVENT_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    login_event: LoginEvent
    missed: int
    def __init__(self, login_event: _Optional[_Union[LoginEvent, _Mapping]] = ..., missed: _Optional[int] = ...) -> None: ...

class ListAgentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAgentsResponse(_message.Message):
    __slots__ = ("agents", "next_page_token")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[Agent]
    next_page_token: str
    def __init__(self, agents: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("client_service_name", "server_service_name", "client_address", "server", "connections", "first_time", "last_time", "recent", "client_host_name", "server_host_name")
    CLIENT_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    client_service_name: str
    server_service_name: str
    client_address: str
    server: NetworkPeer
    connections: int
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    recent: _containers.RepeatedCompositeFieldContainer[EdgeConnection]
    client_host_name: str
    server_host_name: str
    def __init__(self, client_service_name: _Optional[str] = ..., server_service_name: _Optional[str] = ..., client_address: _Optional[str] = ..., server: _Optional[_Union[NetworkPeer, _Mapping]] = ..., connections: _Optional[int] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recent: _Optional[_Iterable[_Union[EdgeConnection, _Mapping]]] = ..., client_host_name: _Optional[str] = ..., server_host_name: _Optional[str] = ...) -> None: ...

class EdgeConnection(_message.Message):
    __slots__ = ("client", "server", "time", "client_pid", "server_pid", "client_request_id")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_PID_FIELD_NUMBER: _ClassVar[int]
    SERVER_PID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    client: NetworkPeer
    server: NetworkPeer
    time: _timestamp_pb2.Timestamp
    client_pid: int
    server_pid: int
    client_request_id: str
    def __init__(self, client: _Optional[_Union[NetworkPeer, _Mapping]] = ..., server: _Optional[_Union[NetworkPeer, _Mapping]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., client_pid: _Optional[int] = ..., server_pid: _Optional[int] = ..., client_request_id: _Optional[str] = ...) -> None: ...

class ListEdgesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEdgesResponse(_message.Message):
    __slots__ = ("edges", "next_page_token")
    EDGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    next_page_token: str
    def __init__(self, edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListHostsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListHostsResponse(_message.Message):
    __slots__ = ("hosts",)
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    hosts: _containers.RepeatedCompositeFieldContainer[Host]
    def __init__(self, hosts: _Optional[_Iterable[_Union[Host, _Mapping]]] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("name", "service_name", "mode", "scope", "execute", "programs", "connect", "networks", "deny_read", "deny_write")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    DENY_READ_FIELD_NUMBER: _ClassVar[int]
    DENY_WRITE_FIELD_NUMBER: _ClassVar[int]
    name: str
    service_name: str
    mode: str
    scope: str
    execute: str
    programs: _containers.RepeatedScalarFieldContainer[str]
    connect: str
    networks: _containers.RepeatedScalarFieldContainer[str]
    deny_read: _containers.RepeatedScalarFieldContainer[str]
    deny_write: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., service_name: _Optional[str] = ..., mode: _Optional[str] = ..., scope: _Optional[str] = ..., execute: _Optional[str] = ..., programs: _Optional[_Iterable[str]] = ..., connect: _Optional[str] = ..., networks: _Optional[_Iterable[str]] = ..., deny_read: _Optional[_Iterable[str]] = ..., deny_write: _Optional[_Iterable[str]] = ...) -> None: ...

class Enforcement(_message.Message):
    __slots__ = ("mode", "reason", "policies")
    MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    mode: str
    reason: str
    policies: _containers.RepeatedCompositeFieldContainer[Policy]
    def __init__(self, mode: _Optional[str] = ..., reason: _Optional[str] = ..., policies: _Optional[_Iterable[_Union[Policy, _Mapping]]] = ...) -> None: ...

class GetEnforcementRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetEnforcementRequest(_message.Message):
    __slots__ = ("mode",)
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: str
    def __init__(self, mode: _Optional[str] = ...) -> None: ...

class ProtectionPolicy(_message.Message):
    __slots__ = ("version", "document", "problem", "applied")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    version: int
    document: str
    problem: str
    applied: bool
    def __init__(self, version: _Optional[int] = ..., document: _Optional[str] = ..., problem: _Optional[str] = ..., applied: _Optional[bool] = ...) -> None: ...

class PolicyVersion(_message.Message):
    __slots__ = ("version", "time", "size")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    version: int
    time: _timestamp_pb2.Timestamp
    size: int
    def __init__(self, version: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size: _Optional[int] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ApplyPolicyRequest(_message.Message):
    __slots__ = ("document", "name")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    document: bytes
    name: str
    def __init__(self, document: _Optional[bytes] = ..., name: _Optional[str] = ...) -> None: ...

class RollBackPolicyRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class ListPolicyVersionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPolicyVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[PolicyVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[PolicyVersion, _Mapping]]] = ...) -> None: ...

class AddPolicyEntryRequest(_message.Message):
    __slots__ = ("list", "subject", "reason", "duration")
    LIST_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    list: str
    subject: str
    reason: str
    duration: _duration_pb2.Duration
    def __init__(self, list: _Optional[str] = ..., subject: _Optional[str] = ..., reason: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RemovePolicyEntryRequest(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    def __init__(self, subject: _Optional[str] = ...) -> None: ...

class ServiceVersion(_message.Message):
    __slots__ = ("service_version", "start_time", "requests", "learnt_time", "relearning")
    SERVICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    LEARNT_TIME_FIELD_NUMBER: _ClassVar[int]
    RELEARNING_FIELD_NUMBER: _ClassVar[int]
    service_version: str
    start_time: _timestamp_pb2.Timestamp
    requests: int
    learnt_time: _timestamp_pb2.Timestamp
    relearning: bool
    def __init__(self, service_version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requests: _Optional[int] = ..., learnt_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., relearning: _Optional[bool] = ...) -> None: ...

class FirstSeen(_message.Message):
    __slots__ = ("kind", "name", "first_time", "last_time", "requests")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    requests: int
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requests: _Optional[int] = ...) -> None: ...

class Behaviour(_message.Message):
    __slots__ = ("service_name", "versions", "programs", "destinations", "dns_names", "paths", "first_seen", "no_room", "policy", "not_in_policy")
    class NoRoomEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    DNS_NAMES_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    NO_ROOM_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    NOT_IN_POLICY_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    versions: _containers.RepeatedCompositeFieldContainer[ServiceVersion]
    programs: _containers.RepeatedScalarFieldContainer[str]
    destinations: _containers.RepeatedScalarFieldContainer[str]
    dns_names: _containers.RepeatedScalarFieldContainer[str]
    paths: _containers.RepeatedScalarFieldContainer[str]
    first_seen: _containers.RepeatedCompositeFieldContainer[FirstSeen]
    no_room: _containers.ScalarMap[str, int]
    policy: Policy
    not_in_policy: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service_name: _Optional[str] = ..., versions: _Optional[_Iterable[_Union[ServiceVersion, _Mapping]]] = ..., programs: _Optional[_Iterable[str]] = ..., destinations: _Optional[_Iterable[str]] = ..., dns_names: _Optional[_Iterable[str]] = ..., paths: _Optional[_Iterable[str]] = ..., first_seen: _Optional[_Iterable[_Union[FirstSeen, _Mapping]]] = ..., no_room: _Optional[_Mapping[str, int]] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ..., not_in_policy: _Optional[_Iterable[str]] = ...) -> None: ...

class ListBehavioursRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBehavioursResponse(_message.Message):
    __slots__ = ("behaviours", "next_page_token")
    BEHAVIOURS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    behaviours: _containers.RepeatedCompositeFieldContainer[Behaviour]
    next_page_token: str
    def __init__(self, behaviours: _Optional[_Iterable[_Union[Behaviour, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetBehaviourRequest(_message.Message):
    __slots__ = ("service_name",)
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    def __init__(self, service_name: _Optional[str] = ...) -> None: ...

class DeleteBehaviourRequest(_message.Message):
    __slots__ = ("service_name",)
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    def __init__(self, service_name: _Optional[str] = ...) -> None: ...

class DeleteBehaviourResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
