"""From the nouns to the API's messages. Pure.

Protobuf takes no lone surrogates and no number out of its type's range: text and numbers that came from an app are made
to fit here, so that one odd record cannot fail a whole listing.
"""

from __future__ import annotations

from collections.abc import Iterable

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from collector import inventory, model
from collector.store.base import categories
from probes.vocabulary import NO_LOGIN, Ancestor, Policy

SECOND = 1_000_000_000
LAST = 253_402_300_799 * SECOND
"""The end of the year 9999, protobuf's last timestamp, in ns."""

VERDICTS = {
    model.Verdict.ATTEMPTED: pb.VERDICT_ATTEMPTED,
    model.Verdict.REACHED: pb.VERDICT_REACHED,
    model.Verdict.CONFIRMED: pb.VERDICT_CONFIRMED,
}
ACTIONS = {model.Action.MONITORED: pb.ACTION_MONITORED, model.Action.BLOCKED: pb.ACTION_BLOCKED}
OUTCOMES = {
    "success": pb.LOGIN_OUTCOME_SUCCESS,
    "failure": pb.LOGIN_OUTCOME_FAILURE,
    "logout": pb.LOGIN_OUTCOME_LOGOUT,
    "signup": pb.LOGIN_OUTCOME_SIGNUP,
    "custom": pb.LOGIN_OUTCOME_CUSTOM,
}
ATTRIBUTIONS = {
    "exact": pb.ATTRIBUTION_EXACT,
    "inherited": pb.ATTRIBUTION_INHERITED,
    "none": pb.ATTRIBUTION_NONE,
}


def text(value: str) -> str:
    """Text that protobuf takes."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def small(value: int, bits: int = 32) -> int:
    """An unsigned number that fits."""
    return min(max(value, 0), (1 << bits) - 1)


def timestamp(ns: int) -> Timestamp | None:
    """A time, or nothing for 0."""
    ns = min(max(ns, 0), LAST)
    return Timestamp(seconds=ns // SECOND, nanos=ns % SECOND) if ns else None


def duration(ns: int) -> Duration | None:
    """A duration, or nothing for 0."""
    ns = max(ns, 0)
    return Duration(seconds=min(ns // SECOND, 315_576_000_000), nanos=ns % SECOND) if ns else None


def peer(value: model.Peer) -> pb.NetworkPeer:
    return pb.NetworkPeer(address=text(value.address), port=small(value.port, 16))


def user(value: model.User) -> pb.User:
    metadata = {text(name): text(part) for name, part in value.metadata.items()}
    return pb.User(id=text(value.id), login=text(value.login), session_id=text(value.session_id), metadata=metadata)


def messaging(value: model.Messaging) -> pb.Messaging | None:
    """What a task is; nothing of a request."""
    if not value.system:
        return None
    return pb.Messaging(
        system=text(value.system), operation_name=text(value.operation_name),
        destination_name=text(value.destination_name), message_id=text(value.message_id),
    )  # fmt: skip


def process(value: model.Process) -> pb.Process:
    return pb.Process(
        pid=small(value.pid), service_name=text(value.service), runtime_version=text(value.runtime),
        executable_path=text(value.executable), container_id=text(value.container_id), host_name=text(value.host),
        service_version=text(value.version),
    )  # fmt: skip


def headers(pairs: Iterable[tuple[str, str]]) -> list[pb.Header]:
    return [pb.Header(name=text(name), value=text(value)) for name, value in pairs]


def request(value: model.Request) -> pb.HttpRequest:
    return pb.HttpRequest(
        trace_id=text(value.trace_id), span_id=text(value.request_id), parent_span_id=text(value.parent_span_id),
        start_time=timestamp(value.start_time), duration=duration(value.duration), method=text(value.method),
        url_path=text(value.path), url_query=text(value.query), url_scheme=text(value.scheme),
        server_address=text(value.host), route=text(value.route), framework=text(value.framework),
        request_headers=headers(value.headers), response_headers=headers(value.response_headers),
        status_code=small(value.status), body_size=small(value.body_size, 64),
        client_address=text(value.client_address), peer=peer(value.peer), kernel_peer=peer(value.kernel_peer),
        user=user(value.user), process=process(value.process), thread_id=small(value.thread_id),
        user_agent=text(value.user_agent), exception_type=text(value.exception_type),
        exception_message=text(value.exception_message), messaging=messaging(value.messaging),
        network_protocol_version=text(value.protocol_version),
        exception_stack=map(text, value.exception_stack),
        response_body_size=small(value.response_body_size, 64) if value.response_body_size >= 0 else None,
        late=value.late,
    )  # fmt: skip


def operation(value: model.Operation) -> pb.Operation:
    return pb.Operation(
        index=small(value.index), kind=text(value.kind), start_time=timestamp(value.start_time),
        duration=duration(value.duration), text=text(value.text), system=text(value.system),
        error_type=text(value.error), stack=map(text, value.stack), blocked=value.blocked, late=value.late,
        db_system_name=text(value.db_system), db_query_summary=text(value.summary),
        server=peer(value.server) if value.server.address else None,
        row_count=small(value.rows, 63) if value.rows >= 0 else None,
    )  # fmt: skip


def ancestor(value: Ancestor) -> pb.Ancestor:
    return pb.Ancestor(pid=small(value.pid), creation_time=timestamp(value.start), comm=text(value.comm))


def kernel_event(value: model.KernelEvent, evidence: bool = False) -> pb.KernelEvent:
    is_exec = value.kind == "exec"
    return pb.KernelEvent(
        kind=value.kind, time=timestamp(value.time), attribution=ATTRIBUTIONS[value.attribution],
        pid=small(value.pid), thread_id=small(value.thread_id), parent_pid=small(value.parent_pid),
        user_id=small(value.uid), comm=text(value.comm), executable_path=text(value.path) if is_exec else "",
        argv=map(text, value.argv), argv_truncated=value.argv_truncated, family=value.family,
        peer=peer(model.Peer(value.address, value.port)) if value.address else None,
        path="" if is_exec else text(value.path), flags=small(value.flags),
        result=max(-(1 << 31), min(value.result, (1 << 31) - 1)), child_pid=small(value.child_pid),
        exit_code=small(value.exit_code), evidence=evidence,
        process_creation_time=timestamp(value.process_start),
        login_user_id=small(value.login_uid) if value.login_uid != NO_LOGIN else None,
        operation=text(value.operation), target=text(value.target), target_pid=small(value.target_pid),
        size=small(value.size, 64), ids=[min(max(one, -1), (1 << 63) - 1) for one in value.ids],
        socket_streams=small(value.streams), nameless=value.nameless, verified=value.verified,
        ancestors=map(ancestor, value.ancestors), container_id=text(value.container_id), unit=text(value.unit),
        policy=text(value.policy), enforced=value.enforced,
        local=peer(model.Peer(value.local_address, value.local_port)) if value.local_port else None,
        network_namespace=small(value.net), peer_service_name=text(value.service) if value.kind == "connect" else "",
    )  # fmt: skip


def finding(value: model.Finding) -> pb.Finding:
    return pb.Finding(
        rule_id=text(value.rule_id), rule_name=text(value.rule_name), category=text(value.category),
        tags=map(text, value.tags), stage=VERDICTS.get(value.stage), action=ACTIONS.get(value.action),
        location=text(value.location), parameter=text(value.parameter), value=text(value.value),
        highlight=text(value.highlight),
        operation_index=small(value.operation_index) if value.operation_index >= 0 else None,
        statement=text(value.statement),
    )  # fmt: skip


def trace(value: model.AttackTrace) -> pb.AttackTrace:
    evidence = set(value.evidence)
    events = [kernel_event(event, index in evidence) for index, event in enumerate(value.kernel_events)]
    return pb.AttackTrace(
        id=text(value.id), verdict=VERDICTS.get(value.verdict), action=ACTIONS.get(value.action),
        categories=map(text, categories(value)),
        request=request(value.request), findings=map(finding, value.findings),
        operations=map(operation, value.operations), kernel_events=events, update_time=timestamp(value.update_time),
        kernel_events_dropped=small(value.kernel_events_dropped), unwitnessed=value.unwitnessed,
        repeat_count=small(value.repeats, 64),
        last_repeat_time=timestamp(value.last_repeat_time) if value.repeats else None,
    )  # fmt: skip


def login(value: model.LoginEvent) -> pb.LoginEvent:
    return pb.LoginEvent(
        id=text(value.id), time=timestamp(value.time), outcome=OUTCOMES.get(value.outcome), user=user(value.user),
        trace_id=text(value.trace_id), request_id=text(value.request_id), framework=text(value.framework),
        client_address=text(value.client_address), peer=peer(value.peer), kernel_peer=peer(value.kernel_peer),
        process=process(value.process), user_agent=text(value.user_agent), url_path=text(value.path),
        forged_forwarding=value.forged_forwarding, user_exists=value.exists, event_name=text(value.name),
        metadata={text(name): text(part) for name, part in value.metadata.items()},
        kernel_events=map(kernel_event, value.kernel_events), session_id=text(value.session),
        kernel_events_dropped=small(value.kernel_events_dropped),
    )  # fmt: skip


def agent(value: inventory.Agent) -> pb.Agent:
    hooks = [pb.Hook(target=text(h.target), state=text(h.state), reason=text(h.reason)) for h in value.hooks]
    return pb.Agent(
        process=process(value.process), mode=text(value.mode), agent_version=text(value.version),
        connect_time=timestamp(value.connect_time), last_seen_time=timestamp(value.last_seen_time),
        connected=value.connected, witnessed=value.witnessed, hooks=hooks, counters=_counters(value.counters),
        policy_version=small(value.policy_version, 63),
    )  # fmt: skip


def edge(value: inventory.Edge, host_name: str) -> pb.Edge:
    """`host_name`: of this node, which tells of each end that is here."""
    here = text(host_name)
    return pb.Edge(
        client_service_name=text(value.client), server_service_name=text(value.server),
        client_address=text(value.client_address), server=peer(value.server_end),
        connections=small(value.connections, 64), first_time=timestamp(value.first_time),
        last_time=timestamp(value.last_time), recent=map(edge_connection, value.recent),
        client_host_name="" if value.client_address else here,
        server_host_name=here if value.server or value.client_address else "",
    )  # fmt: skip


def edge_connection(value: inventory.EdgeConnection) -> pb.EdgeConnection:
    return pb.EdgeConnection(
        client=peer(value.client), server=peer(value.server), time=timestamp(value.time),
        client_pid=small(value.client_pid), server_pid=small(value.server_pid),
        client_request_id=text(value.request_id),
    )  # fmt: skip


def host(value: inventory.Host) -> pb.Host:
    known = [pb.Capability(name=text(c.name), available=c.available, reason=text(c.reason)) for c in value.capabilities]
    return pb.Host(
        host_name=text(value.host), os_description=text(value.os_description),
        kernel_release=text(value.kernel_release), architecture=text(value.architecture),
        probes_running=value.probes_running, probes_reason=text(value.probes_reason), capabilities=known,
        counters=_counters(value.counters), collector_version=text(value.collector_version),
        start_time=timestamp(value.start_time),
    )  # fmt: skip


def policy(service: str, value: Policy) -> pb.Policy:
    return pb.Policy(
        name=text(value.name), service_name=text(service), mode=value.mode, scope=value.scope, execute=value.execute,
        programs=map(text, value.programs), connect=value.connect, networks=map(text, value.networks),
        deny_read=map(text, value.deny_read), deny_write=map(text, value.deny_write),
    )  # fmt: skip


def enforcement(value: inventory.PoliciesInForce) -> pb.Enforcement:
    policies = [policy(service, one) for service, one in value.policies]
    return pb.Enforcement(mode=value.mode, reason=text(value.reason), policies=policies)


def _counters(values: dict[str, int]) -> dict[str, int]:
    return {text(name): small(count, 64) for name, count in values.items()}
