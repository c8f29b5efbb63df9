"""Records as they are kept: redacted and capped."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from collector.detect import client_address, literals, redact
from collector.detect.inputs import Input
from collector.detect.reached import sql_summary
from collector.detect.redact import Redactor
from collector.detect.settings import Network
from collector.model import Messaging, Operation, Peer, Process, Request, User
from collector.wire.agent import OperationRecord, RequestRecord, UserRecord

MAX_TEXT = 4096
MAX_HEADER = 2048
MAX_HEADERS = 64
MAX_STACK = 32
MAX_OPERATIONS = 128
MAX_SECRETS = 64

Pairs = Iterable[tuple[str, str]]


class Views:
    """From the wire's records to the nouns of the model."""

    def __init__(self, redactor: Redactor, trusted: Sequence[Network]) -> None:
        self._redactor, self._trusted = redactor, trusted

    def request(self, record: RequestRecord, process: Process) -> Request:
        """The request without its body and without secrets."""
        client, forged = client_address.resolve(record.peer.address, record.headers, self._trusted)
        error = record.exception
        return Request(
            request_id=record.request_id, trace_id=record.trace_id[:64], parent_span_id=record.parent_span_id[:64],
            start_time=record.start_time, duration=record.duration, thread_id=record.thread_id,
            method=record.method[:64], scheme=record.scheme[:16], host=record.host[:256],
            protocol_version="" if record.messaging else record.protocol_version[:16],
            path=redact.text(record.path[:MAX_TEXT]), query=self._redactor.query(record.query)[:MAX_TEXT],
            route=record.route[:1024], framework=record.framework[:64],
            headers=self._headers(record.headers), response_headers=self._headers(record.response_headers),
            status=record.status, body_size=record.body_size, client_address=client, forged_forwarding=forged,
            peer=Peer(record.peer.address[:256], record.peer.port),
            user=user_of(record.user) if record.user else User(),
            user_agent=next((self._redactor.header(n, v[:1024]) for n, v in record.headers if n == "user-agent"), ""),
            exception_type=error.type[:256] if error else "",
            exception_message=redact.text(error.message[:MAX_HEADER]) if error else "", process=process,
            exception_stack=tuple(line[:512] for line in error.stack[:MAX_STACK]) if error else (),
            response_body_size=-1 if record.response_body_size is None else record.response_body_size,
            remote_span_id=remote_span(record)[:64], sent_span_ids=tuple(span[:64] for span in record.sent_span_ids),
            messaging=_messaging(record), late=record.late,
        )  # fmt: skip

    def operations(
        self,
        records: Iterable[OperationRecord],
        kept: Sequence[str],
        items: Sequence[Input],
        first: Container[int] = (),
    ) -> tuple[Operation, ...]:
        """Operations without literals and secrets; `kept` are inputs that may be seen in a statement. Of too many those
        whose index is in `first` are not left out."""
        hidden = self.secrets(items)
        chosen = sorted(records, key=lambda record: record.index not in first)[:MAX_OPERATIONS]
        return tuple(
            self._operation(record, kept, hidden) for record in sorted(chosen, key=lambda record: record.index)
        )

    def text(self, record: OperationRecord, kept: Sequence[str], hidden: Sequence[str]) -> str:
        """What an operation did, as it may be stored."""
        if record.kind == "sql":
            return literals.statement(record.text, record.dialect, kept, hidden)
        return literals.command(record.text or " ".join(record.argv), hidden)

    def secrets(self, items: Sequence[Input]) -> list[str]:
        """The values of secret parameters, longest first: an app may have put them anywhere."""
        found = {i.value for i in items if len(i.value) >= redact.MIN_SECRET and self._redactor.secret_key(i.parameter)}
        return sorted(found, key=len, reverse=True)[:MAX_SECRETS]

    def _operation(self, record: OperationRecord, kept: Sequence[str], hidden: Sequence[str]) -> Operation:
        return Operation(
            index=record.index, kind=record.kind, start_time=record.start_time, duration=record.duration,
            text=self.text(record, kept, hidden), system=record.system[:256], error=record.error[:256],
            stack=tuple(line[:512] for line in record.stack[:MAX_STACK]), blocked=record.blocked,
            resolved=tuple(address[:128] for address in record.resolved[:MAX_STACK]),
            server=Peer(record.server.address[:256], record.server.port),
            rows=-1 if record.rows is None else record.rows, late=record.late,
            **self._statement(record),
        )  # fmt: skip

    def _statement(self, record: OperationRecord) -> dict[str, str]:
        if record.kind != "sql":
            return {}
        return {"db_system": record.dialect[:64], "summary": sql_summary.summary(record.text, record.dialect)}

    def _headers(self, pairs: Pairs) -> tuple[tuple[str, str], ...]:
        cut = [(name[:256], value[:MAX_HEADER]) for name, value in list(pairs)[:MAX_HEADERS]]
        return self._redactor.headers(cut)


def user_of(record: UserRecord) -> User:
    """Whoever it is, as it may be stored."""
    metadata = {redact.text(name[:256]): redact.text(part) for name, part in record.metadata.items()}
    return User(record.id[:256], record.login[:256], record.session_id[:128], metadata)


def remote_span(record: RequestRecord) -> str:
    """The caller's span: the parent, unless a tracer in the app is that."""
    return record.parent_span_id if record.remote_span_id is None else record.remote_span_id


def _messaging(record: RequestRecord) -> Messaging:
    if (known := record.messaging) is None:
        return Messaging()
    names = known.system, known.operation_name, known.destination_name, known.message_id
    return Messaging(*(name[:256] for name in names))
