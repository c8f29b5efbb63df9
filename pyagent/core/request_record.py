"""A request as the wire wants it (proto/wire/README.md), encoded: what every record has stands in one template, as a dict
and a general encoder take three times as long; what few have is encoded as everything else is.
"""

from __future__ import absolute_import

from . import wire
from .context import PROTOCOL
from .record import MAX_HEADERS, MAX_PARAMS, SHORT, TEXT, VALUE, operation_record, text, wsgi_text

MAX_OPERATIONS, MAX_CODE = 32, 2048
_SHAPE = (
    '{"type":"request","phase":"%s","request_id":"%s","trace_id":"%s","parent_span_id":"%s","start_time":%d,'
    '"duration":%d,"thread_id":%d,"status":%d,"method":"%s","scheme":"%s","host":"%s",'
    '"path":"%s","query":"%s","target":"%s","peer":{"address":"%s","port":%d},"framework":"%s","route":"%s",'
    '"headers":%s,"response_headers":%s'
)
_LIMITS = (SHORT, SHORT, SHORT, TEXT, TEXT, TEXT, SHORT)
_SPECIAL = b'"\\' + bytes(bytearray(range(32)))
_QUOTES, _QUOTES_OF_PAIR, _ESCAPED = _SHAPE.count('"'), 4, 2


def request_record(request, phase):
    """The record of a request, phase "start" or "end", as UTF-8. What is too much for a frame is left out: of long code
    the ends, as imports within a request make much of it, then the body and operations."""
    rest = _rest(request)
    data = _encoded(request, phase, rest)
    for shorten in (_shorten_code, _leave_out):
        if len(data) > wire.MAX_RECORD:
            shorten(rest)
            data = _encoded(request, phase, rest)
    return data


def _shorten_code(rest):
    for operation in rest.get('operations', ()):
        if operation['kind'] == 'code':
            operation['text'] = operation['text'][:MAX_CODE]


def _leave_out(rest):
    if rest.pop('body', None) is not None:
        rest['body_truncated'] = True
    rest['operations'] = rest.get('operations', [])[:MAX_OPERATIONS]


def _encoded(request, phase, rest):
    try:
        data = _plain(request, phase)
    except (TypeError, AttributeError, UnicodeError):
        data = None
    if data is None:
        data = _escaped(request, phase)
    if request.response_size is not None:
        data += (',"response_body_size":%d' % request.response_size).encode('ascii')
    return data + (b',' + wire.encode_body(rest)[1:] if rest else b'}')


def _plain(request, phase):
    """The record of a request whose strings are short, ASCII and nothing that JSON escapes, but for quotes in headers, as
    browsers send them. It is written first: a special character too many tells that it was not so, and then it is None.
    """
    headers = request.headers
    quotes = ''.join([value for _, value in headers]).count('"')
    if quotes:
        headers = [(name, value.replace('"', '\\"')) for name, value in headers]
    sent = [(name.lower(), value) for name, value in request.response_headers[:MAX_HEADERS]]
    texts = request.line + (request.framework, request.route)
    data = _written(request, phase, texts, _pairs(headers), _pairs(sent)).encode('ascii')
    special = _QUOTES + _QUOTES_OF_PAIR * (len(headers) + len(sent)) + _ESCAPED * quotes
    ours = len(data) - len(data.translate(None, _SPECIAL)) == special
    return data if ours and len(data) <= SHORT else None


def _pairs(pairs):
    """Strings that need no escaping as a list of lists."""
    return '[["' + '"],["'.join(map('","'.join, pairs)) + '"]]' if pairs else '[]'


def _escaped(request, phase):
    """The record of any request."""
    texts = [wsgi_text(value, limit) for value, limit in zip(request.line, _LIMITS)]
    texts += [text(request.framework, SHORT), text(request.route, SHORT)]
    headers, sent = [
        wire.to_json(_as_texts(pairs))
        for pairs in (request.headers, request.response_headers[:MAX_HEADERS])
    ]
    inside = [wire.to_json(value)[1:-1] for value in texts]
    return wire.to_utf8(_written(request, phase, inside, headers, sent))


def _written(request, phase, texts, headers, response_headers):
    method, scheme, host, path, query, target, address, framework, route = texts
    return _SHAPE % (
        phase, request.request_id, request.trace_id, request.parent_span_id, request.start_time, request.duration,
        request.thread_id, request.status, method, scheme, host, path, query, target, address, request.port, framework,
        route, headers, response_headers,
    )  # fmt: skip


def _rest(request):
    """What not every request has."""
    rest = {}
    if request.body_size:
        rest['body'], rest['body_encoding'] = _body(request)
        rest['body_size'], rest['body_truncated'] = request.body_size, request.body_truncated
    if request.path_params:
        items = list(request.path_params.items())[:MAX_PARAMS]
        rest['path_params'] = dict((text(k, SHORT), text(v, VALUE)) for k, v in items)
    if request.protocol != PROTOCOL:
        _add_protocol(rest, request.protocol)
    for name in ('user', 'exception', 'blocked'):
        if getattr(request, name) is not None:
            rest[name] = getattr(request, name)
    if request.judging is not None and request.judging.late:
        rest['late'] = True
    if request.operations:
        rest['operations'] = [operation_record(operation) for operation in request.operations]
    _add_links(rest, request)
    return rest


def _add_protocol(rest, protocol):
    """The version of HTTP alone, as the attribute network.protocol.version has it."""
    version = text(protocol or '', SHORT).rpartition('/')[2]
    if version:
        rest['protocol_version'] = version


def _add_links(rest, request):
    """What ties it to other requests of its trace, and what a task is."""
    if request.remote_span_id != request.parent_span_id:
        rest['remote_span_id'] = request.remote_span_id
    if request.sent_span_ids:
        rest['sent_span_ids'] = list(request.sent_span_ids)
    if request.message is not None:
        rest['messaging'] = dict((n, text(v, SHORT)) for n, v in request.message.items())


def add_answer(fact, request):
    """What is known of a request's answer, beside something else."""
    fact['status'] = request.status
    fact['response_headers'] = _as_texts(request.response_headers[:MAX_HEADERS])


def _as_texts(pairs):
    """Names in small letters and values of headers, whatever they are."""
    return [(text(name, SHORT).lower(), wsgi_text(value, VALUE)) for name, value in pairs]


def _body(request):
    if not request.body:
        return u'', 'utf-8'
    raw = b''.join(request.body)
    try:
        return raw.decode('utf-8'), 'utf-8'
    except UnicodeDecodeError:
        return raw.decode('latin-1'), 'latin-1'
