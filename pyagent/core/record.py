"""From what is remembered to what the wire wants (proto/wire/README.md): text is Unicode, everything is capped."""

from __future__ import absolute_import

from . import facts
from .ids import hexadecimal
from .names import is_ascii, text_type

SHORT, VALUE, TEXT = 4096, 8192, 65536
MAX_HEADERS, MAX_PARAMS, MAX_STACK, MAX_ARGUMENTS = 128, 64, 32, 256


def request_record(request, phase):
    """The record of a request; phase "start" or "end"."""
    environ = request.environ
    method, scheme, host, path, query, target, address = _line(environ)
    body, encoding = _body(request)
    record = {
        'type': 'request',
        'phase': phase,
        'request_id': request.request_id,
        'trace_id': request.trace_id,
        'parent_span_id': request.parent_span_id,
        'start_time': request.start_time,
        'duration': request.duration,
        'thread_id': request.thread_id,
        'method': method,
        'scheme': scheme,
        'host': host,
        'path': path,
        'query': query,
        'target': target,
        'headers': _headers(request.headers),
        'peer': {'address': address, 'port': _port(environ)},
        'framework': request.framework,
    }
    if request.body_size:
        record['body'], record['body_encoding'] = body, encoding
        record['body_size'], record['body_truncated'] = request.body_size, request.body_truncated
    _add_outcome(record, request)
    return record


def _line(environ):
    """What the request line and the server say, as text: method, scheme, host, path, query, target, peer's address."""
    get = environ.get
    found = (
        get('REQUEST_METHOD', ''), get('wsgi.url_scheme', ''), get('HTTP_HOST', ''),
        _path(get), get('QUERY_STRING', ''),
        get('REQUEST_URI') or get('RAW_URI') or '', get('REMOTE_ADDR') or '',
    )  # fmt: skip
    if _plain(found):
        return found
    limits = (SHORT, SHORT, SHORT, TEXT, TEXT, TEXT, SHORT)
    return [_wsgi(value, limit) for value, limit in zip(found, limits)]


def _path(get):
    mounted, path = get('SCRIPT_NAME', ''), get('PATH_INFO', '')
    try:
        return mounted + path
    except UnicodeError:  # 2.7: the one is bytes, the other text
        return _wsgi(mounted, TEXT) + _wsgi(path, TEXT)


def _headers(pairs):
    """Names and values as text."""
    if _plain([value for _, value in pairs]):
        return pairs
    return [[name, _wsgi(value, VALUE)] for name, value in pairs]


def _plain(values):
    """Whether these strings, joined to look at them once, are short and ASCII: then they are the text they stand for."""
    try:
        joined = ''.join(values)
    except (TypeError, UnicodeError):
        return False
    return len(joined) <= SHORT and is_ascii(joined)


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
    """The record of an operation of a request that was announced before."""
    request_id = operation.request.request_id
    return {
        'type': 'operation',
        'request_id': request_id,
        'operation': operation_record(operation),
    }


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


def _add_outcome(record, request):
    if request.route:
        record['route'] = text(request.route, SHORT)
    if request.path_params:
        items = list(request.path_params.items())[:MAX_PARAMS]
        record['path_params'] = dict((text(k, SHORT), text(v, VALUE)) for k, v in items)
    add_answer(record, request)
    if request.response_size is not None:
        record['response_body_size'] = request.response_size
    for name in ('user', 'exception', 'blocked'):
        if getattr(request, name) is not None:
            record[name] = getattr(request, name)
    if request.judging is not None and request.judging.late:
        record['late'] = True
    if request.operations:
        record['operations'] = [operation_record(operation) for operation in request.operations]
    _add_links(record, request)


def add_answer(record, request):
    """What is known of a request's answer."""
    if request.status:
        record['status'] = request.status
    if request.response_headers:
        record['response_headers'] = _response_headers(request.response_headers[:MAX_HEADERS])


def _response_headers(pairs):
    if _plain([part for pair in pairs for part in pair]):
        return [(name.lower(), value) for name, value in pairs]
    return [[text(n, SHORT).lower(), _wsgi(v, VALUE)] for n, v in pairs]


def _add_links(record, request):
    """What ties it to other requests of its trace, and what a task is."""
    if request.remote_span_id != request.parent_span_id:
        record['remote_span_id'] = request.remote_span_id
    if request.sent_span_ids:
        record['sent_span_ids'] = list(request.sent_span_ids)
    if request.message is not None:
        record['messaging'] = dict((n, text(v, SHORT)) for n, v in request.message.items())


def _wsgi(value, limit):
    """A string as WSGI has them (PEP 3333: bytes on 2.7, else their latin-1 image) as the text it stands for."""
    if facts.TEXT_IS_UNICODE and isinstance(value, str):
        value = value[:limit]
        try:
            raw = value.encode('latin-1')
        except UnicodeEncodeError:
            return value
        return raw.decode('utf-8', 'replace')
    return text(value, limit)


def _body(request):
    if not request.body:
        return u'', 'utf-8'
    raw = b''.join(request.body)
    try:
        return raw.decode('utf-8'), 'utf-8'
    except UnicodeDecodeError:
        return raw.decode('latin-1'), 'latin-1'


def _port(environ):
    try:
        port = int(environ.get('REMOTE_PORT') or 0)
    except (TypeError, ValueError):
        port = 0
    return port if 0 <= port <= 65535 else 0
