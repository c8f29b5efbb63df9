"""From what is remembered to what the wire wants (proto/wire/README.md): text is Unicode, everything is capped."""

from __future__ import absolute_import

from . import facts, wire
from .ids import hexadecimal
from .names import text_type

SHORT, VALUE, TEXT = 4096, 8192, 65536
MAX_HEADERS, MAX_PARAMS, MAX_STACK, MAX_ARGUMENTS = 128, 64, 32, 256


def operation_record(operation):
    """The record of one operation, as it stands inside a request record or in a late one."""
    record = {
        'index': operation.index,
        'kind': operation.kind,
        'start_time': operation.start_time,
        'duration': operation.duration,
        'text': text(operation.text, TEXT),
        'system': operation.system,
    }
    if operation.argv:
        record['argv'] = [text(word, SHORT) for word in operation.argv[:MAX_ARGUMENTS]]
    for name in ('dialect', 'parameterised', 'error', 'blocked', 'flags', 'late'):
        value = getattr(operation, name)
        if value:
            record[name] = value
    if operation.stack:
        record['stack'] = [text(line, SHORT) for line in operation.stack[:MAX_STACK]]
    if operation.rows is not None:
        record['rows'] = operation.rows
    if operation.server and operation.server[0]:
        address, port = operation.server
        record['server'] = {'address': text(address, SHORT), 'port': int(port)}
    if operation.resolved:
        record['resolved'] = [text(address, SHORT) for address in operation.resolved[:MAX_STACK]]
    return record


def late_record(operation):
    """The record of an operation of a request that was announced before, encoded."""
    record = {
        'type': 'operation',
        'request_id': operation.request.request_id,
        'operation': operation_record(operation),
    }
    return wire.encode_body(record)


def login_record(event_id, time, outcome, user, framework, request):
    """The record of a login, a failed login or a logout."""
    return {
        'type': 'login',
        'event_id': hexadecimal(event_id),
        'outcome': outcome,
        'time': time,
        'request_id': request.request_id if request else '',
        'trace_id': request.trace_id if request else '',
        'framework': framework,
        'user': user,
    }


def add_details(record, details):
    """What is known of a login beyond the user; nothing for what is None or empty."""
    if details.get('exists') is not None:
        record['exists'] = bool(details['exists'])
    if details.get('name'):
        record['name'] = text(details['name'], 200)
    if details.get('metadata'):
        items = list(details['metadata'].items())[:MAX_PARAMS]
        record['metadata'] = dict((text(k, 200), text(v, 1000)) for k, v in items)


def user_record(user_id, login, session_id):
    """Who it is. `session_id` is a digest already."""
    return {
        'id': text(user_id, SHORT),
        'login': text(login, SHORT),
        'session_id': text(session_id, SHORT),
    }


def text(value, limit):
    """Anything as Unicode text of at most `limit` characters."""
    if value is None:
        return u''
    if isinstance(value, bytes):
        return value[: 4 * limit].decode('utf-8', 'replace')[:limit]
    if not isinstance(value, text_type):
        value = _as_text(value)
    return value[:limit]


def _as_text(value):
    try:
        return text_type(value)
    except UnicodeError:  # 2.7: an exception whose message is bytes
        return bytes(value).decode('utf-8', 'replace')


def wsgi_text(value, limit):
    """A string as WSGI has them (PEP 3333: bytes on 2.7, else their latin-1 image) as the text it stands for."""
    if facts.TEXT_IS_UNICODE and isinstance(value, str):
        value = value[:limit]
        try:
            raw = value.encode('latin-1')
        except UnicodeEncodeError:
            return value
        return raw.decode('utf-8', 'replace')
    return text(value, limit)
