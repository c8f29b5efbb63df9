"""Apps that answer with the standard library's http.server themselves (do_GET, XML-RPC), without WSGI: a request begins
when its line and headers are parsed, and ends when handle_one_request does.

What the handler reads and writes goes through stand-ins that are lent for the request. Handlers that run a WSGI
application are left to `wsgi`; an application that is called by another shares its request. Of a request that was
stopped the app says no more, whatever it caught: it is refused, or, where a part is out, the connection ends.
"""

from __future__ import absolute_import

import re
import socket
import types

from ..core import asking, blocked, facts, guard, lifecycle, names
from .body import tee
from .failure import note_failure
from .patch import Row
from .proxy import Proxy, class_for
from .wsgi import may_have_body

NAME = 'http.server'
_WSGI = (
    'run_wsgi',
    'get_environ',
    'make_environ',
    'wsgi_setup',
)  # what handlers that run WSGI have
_CODED = re.compile('%([0-9a-fA-F]{2})')
MAX_UNREAD, PATIENCE = 1 << 20, 1.0
_LAST_RESORT = b'HTTP/1.0 403 Blocked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
_under_way = {}


class Exchange(object):
    """A handler's request under way, and what is out of its answer: `sent` counts bytes, `head` those that are no body."""

    __slots__ = ('handler', 'wfile', 'request', 'status', 'headers', 'sent', 'head', 'lent')

    def __init__(self, handler):
        self.handler, self.wfile, self.request = handler, handler.wfile, None
        self.status, self.headers, self.sent, self.head = 0, [], 0, 0
        self.lent = ()

    def fill(self, request):
        """This is the request."""
        request.framework = NAME
        request.server = NAME
        self.request = request

    @guard.guarded
    def check(self):
        """Raise once more what stopped the request."""
        error = blocked.unheard(self.request) if self.request is not None else None
        if error is not None:
            raise error

    @guard.guarded
    def goes_out(self):
        """The app writes: before anything is out its answer may be refused."""
        if not self.sent and self.request.judging is not None:
            asking.at_response(self.request, self.status, self.headers)
        self.check()

    @guard.guarded
    def take_back(self):
        """The handler gets its own files again, unless the app has put others there."""
        for name, own, lent in self.lent:
            if getattr(self.handler, name, None) is lent:
                setattr(self.handler, name, own)

    @guard.guarded
    def end(self):
        """It is over."""
        _forget(self)
        if self.request is not None:
            lifecycle.end(self.request, self.status, self.headers)
        self.take_back()


@guard.guarded
def _forget(exchange):
    _under_way.pop(id(exchange.handler), None)
    if exchange.request is not None:
        exchange.request.response_size = max(exchange.sent - exchange.head, 0)


class Out(Proxy):
    """`wfile`: counts what is written."""

    __slots__ = ('_cowitness_exchange',)

    def __init__(self, stream, exchange):
        Proxy.__init__(self, stream)
        object.__setattr__(self, '_cowitness_exchange', exchange)

    def __getattr__(self, name):
        found = getattr(self._cowitness_inner, name)
        return types.MethodType(_WRITES[name], self) if name in _WRITES else found


def _write(self, data):
    self._cowitness_exchange.goes_out()
    _count(self._cowitness_exchange, (data,))
    return self._cowitness_inner.write(data)


def _writelines(self, lines):
    self._cowitness_exchange.goes_out()
    _count(self._cowitness_exchange, lines)
    return self._cowitness_inner.writelines(lines)


_WRITES = {'write': _write, 'writelines': _writelines}


@guard.guarded
def _count(exchange, parts):
    """What is walked through once only is not counted, but out."""
    exchange.sent += sum(map(len, parts)) if isinstance(parts, (list, tuple)) else 1


def served(original, args, kwargs):
    """handle_one_request(self)."""
    exchange = _open(args)
    if exchange is None:
        return original(*args, **kwargs)
    try:
        return original(*args, **kwargs)
    except blocked.Blocked as error:
        _refuse(exchange, error)
    except BaseException:
        note_failure(exchange.request, ('ConnectionError', 'timeout'))
        raise
    finally:
        exchange.end()


@guard.guarded
def _open(args):
    handler = args[0]
    if any(hasattr(handler.__class__, name) for name in _WSGI):
        return None
    exchange = _under_way[id(handler)] = Exchange(handler)
    return exchange


def parsed(original, args, kwargs):
    """parse_request(self): whether there is a request to serve."""
    result = original(*args, **kwargs)
    if result:
        _begin(args)
    return result


@guard.guarded
def _begin(args):
    """May raise Blocked."""
    handler = args[0]
    exchange = _under_way.get(id(handler))
    if exchange is None or exchange.request is not None:
        return
    environ = _environ(handler)
    lifecycle.begin(environ, fill=exchange.fill)
    if exchange.request is not None:
        _lend(exchange, environ)


@guard.guarded
def _lend(exchange, environ):
    handler = exchange.handler
    lent = [
        ('wfile', handler.wfile, class_for(Out, handler.wfile, _WRITES)(handler.wfile, exchange))
    ]
    if may_have_body(environ):
        lent.append(('rfile', handler.rfile, tee(handler.rfile, exchange.request)))
    exchange.lent = lent
    for name, _, stand_in in lent:
        setattr(handler, name, stand_in)


def _environ(handler):
    """What WSGI would say of this request."""
    path, _, query = handler.path.partition('?')
    secure = hasattr(getattr(handler, 'connection', None), 'getpeercert')
    environ = {
        'REQUEST_METHOD': handler.command, 'SCRIPT_NAME': '', 'QUERY_STRING': query, 'REQUEST_URI': handler.path,
        'PATH_INFO': _CODED.sub(lambda found: chr(int(found.group(1), 16)), path),
        'wsgi.url_scheme': 'https' if secure else 'http',
    }  # fmt: skip
    peer = handler.client_address
    if isinstance(peer, tuple) and len(peer) > 1:
        environ['REMOTE_ADDR'], environ['REMOTE_PORT'] = peer[0], str(peer[1])
    _add_headers(environ, handler.headers)
    return environ


def _add_headers(environ, headers):
    values = getattr(headers, 'get_all', None) or headers.getheaders
    for name in headers.keys():
        key = name.upper().replace('-', '_')
        if key not in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
            key = 'HTTP_' + key
        environ[key] = ','.join(values(name))


def status_sent(original, args, kwargs):
    """send_response(self, code, ...), and send_response_only where there is one. May raise Blocked."""
    _note_status(args, kwargs)
    return original(*args, **kwargs)


@guard.guarded
def _note_status(args, kwargs):
    exchange = _under_way.get(id(args[0]))
    if exchange is not None and exchange.request is not None:
        exchange.check()
        exchange.status = int(args[1] if len(args) > 1 else kwargs['code'])


def header_sent(original, args, kwargs):
    """send_header(self, keyword, value)."""
    result = original(*args, **kwargs)
    _note_header(args)
    return result


@guard.guarded
def _note_header(args):
    exchange = _under_way.get(id(args[0]))
    if exchange is not None and len(args) == 3:
        exchange.headers.append((str(args[1]), str(args[2])))


def headers_sent(original, args, kwargs):
    """end_headers(self): what follows is the body."""
    result = original(*args, **kwargs)
    _note_head(args)
    return result


@guard.guarded
def _note_head(args):
    exchange = _under_way.get(id(args[0]))
    if exchange is not None:
        exchange.head = exchange.sent


def _refuse(exchange, error):
    """Answer in the app's place, unless a part of its answer is out. The connection ends."""
    _give_up(exchange)
    if not exchange.sent:
        _send(exchange, _refusal(exchange, error) or _LAST_RESORT)


@guard.guarded
def _give_up(exchange):
    handler = exchange.handler
    handler.close_connection = True
    handler.__dict__.pop('_headers_buffer', None)


@guard.guarded
def _refusal(exchange, error):
    """All bytes of the refusal."""
    handler = exchange.handler
    exchange.status = error.status
    accept = handler.headers.get('Accept') or ''
    status, exchange.headers, body = blocked.response(error, accept, handler.command)
    body = b''.join(body)
    exchange.sent = len(body)
    if handler.request_version == 'HTTP/0.9':
        return body
    lines = ['%s %s' % (handler.protocol_version, status)]
    own = [('Server', handler.version_string()), ('Date', handler.date_time_string())]
    lines += ['%s: %s' % pair for pair in own + exchange.headers + [('Connection', 'close')]]
    return '\r\n'.join(lines + ['', '']).encode('latin-1') + body


def _send(exchange, data):
    try:
        exchange.wfile.write(data)
        exchange.wfile.flush()
    except (OSError, socket.error, ValueError):  # the client has gone
        return
    _log(exchange)
    _read_up(exchange)


@guard.guarded
def _log(exchange):
    exchange.handler.log_request(exchange.status)


@guard.guarded
def _read_up(exchange):
    """A connection that is closed with a body unread is reset, and a client that still sends may never read the answer."""
    handler = exchange.handler
    length = handler.headers.get('Content-Length') or ''
    left = (int(length) if length.isdigit() else 0) - exchange.request.body_size
    if left > 0:
        handler.connection.settimeout(PATIENCE)
        _read(handler.rfile, min(left, MAX_UNREAD))


def _read(stream, left):
    read = getattr(stream, 'read1', None) or _read_one(stream)
    end = names.monotonic() + PATIENCE
    try:
        while left > 0 and names.monotonic() < end:
            data = read(min(left, 65536))
            left -= len(data) or left
    except (OSError, socket.error):  # it does not come
        pass


def _read_one(stream):
    """2.7 has no read1: what reads a byte never waits for another."""
    return lambda size: stream.read(1)


_MODULE = 'http.server' if facts.TEXT_IS_UNICODE else 'BaseHTTPServer'
ROWS = [
    Row(_MODULE, 'BaseHTTPRequestHandler.handle_one_request', served),
    Row(_MODULE, 'BaseHTTPRequestHandler.parse_request', parsed),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_response', status_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_response_only', status_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_header', header_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.end_headers', headers_sent),
]
