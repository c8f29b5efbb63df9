"""Apps that answer with the standard library's http.server themselves (do_GET, XML-RPC), without WSGI: a request begins
when its line and headers are parsed, and ends when handle_one_request does.

What the handler reads and writes goes through stand-ins that are lent for the request. Handlers that run a WSGI
application are left to `wsgi`; an application that is called by another shares its request. Of a request that was
stopped the app says no more, whatever it caught.
"""

from __future__ import absolute_import

import types

from ..core import asking, blocked, facts, guard, lifecycle
from .body import tee
from .failure import note_failure
from .http_refusal import refuse
from .incoming_http import environ_of
from .patch import Row, after, before
from .proxy import Proxy, class_for
from .wsgi import may_have_body

NAME = 'http.server'
_WSGI = (
    'run_wsgi',
    'get_environ',
    'make_environ',
    'wsgi_setup',
)  # what handlers that run WSGI have
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
        request = self.request
        if not self.sent and request is not None and request.judging is not None:
            asking.at_response(request, self.status, self.headers)
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
        refuse(exchange, error)
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


@after
def parsed(args, kwargs, result):
    """parse_request(self): whether there is a request to serve. May raise Blocked."""
    if not result:
        return
    handler = args[0]
    exchange = _under_way.get(id(handler))
    if exchange is None or exchange.request is not None:
        return
    environ = environ_of(handler)
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


@before
def status_sent(args, kwargs):
    """send_response(self, code, ...), and send_response_only where there is one. May raise Blocked."""
    exchange = _under_way.get(id(args[0]))
    if exchange is not None and exchange.request is not None:
        exchange.check()
        exchange.status = int(args[1] if len(args) > 1 else kwargs['code'])


@after
def header_sent(args, kwargs, result):
    """send_header(self, keyword, value)."""
    exchange = _under_way.get(id(args[0]))
    if exchange is not None and len(args) == 3:
        exchange.headers.append((str(args[1]), str(args[2])))


@after
def headers_sent(args, kwargs, result):
    """end_headers(self): what follows is the body."""
    exchange = _under_way.get(id(args[0]))
    if exchange is not None:
        exchange.head = exchange.sent


_MODULE = 'http.server' if facts.TEXT_IS_UNICODE else 'BaseHTTPServer'
ROWS = [
    Row(_MODULE, 'BaseHTTPRequestHandler.handle_one_request', served),
    Row(_MODULE, 'BaseHTTPRequestHandler.parse_request', parsed),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_response', status_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_response_only', status_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.send_header', header_sent),
    Row(_MODULE, 'BaseHTTPRequestHandler.end_headers', headers_sent),
]
