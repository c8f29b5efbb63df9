"""ASGI, under every asynchronous framework: a request is one call of the application with an `http` scope.

Tasks take turns on one thread, so the mark stands for the operation only. Messages pass by as they are; of a body a
capped copy is kept, as the app receives it.
"""

from __future__ import absolute_import

from ..core import asking, blocked, context, guard, lifecycle
from . import audit
from .failure import note_failure
from .incoming_asgi import arrival
from .patch import Row
from .servers import given

KEY = 'cowitness.request'
_BODY = 'http.response.body'
_END = {'type': _BODY, 'body': b'', 'more_body': False}
_FILES = ('http.response.pathsend', 'http.response.zerocopysend')


async def call(application, scope, receive, send, framework=''):
    """Serve one call under the agent; nested applications share one request."""
    try:
        exchange = _begin(scope, receive, send, framework)
    except blocked.Blocked as error:
        return await _refuse(_Exchange(context.current(), receive, send, scope), error)
    if exchange is None:
        return await application(scope, receive, send)
    return await _serve(application, scope, exchange)


@guard.guarded
def _begin(scope, receive, send, framework):
    """What listens to the request; None for what is none, or is another's already. May raise Blocked."""
    if scope.get('type') != 'http':
        return None
    serving = scope.get(KEY)
    if serving is not None and not serving.ended:
        # FastAPI is a Starlette: the outer one says which it is
        serving.framework = serving.framework or framework
        return None
    found = arrival(scope)
    if found is None:
        return None
    audit.watch()
    exchange = _Exchange(None, receive, send, scope)
    request = exchange.request = lifecycle.begin(found[0], found[1], shares_thread=True)
    if request is None:
        return None
    request.framework = framework
    scope[KEY] = request  # the same scope: who called us looks into it afterwards
    return exchange


async def _serve(application, scope, exchange):
    request = exchange.request
    try:
        return await application(scope, exchange.receive, exchange.send)
    except BaseException as error:
        refused = refusal_in(error) or _unheard(request, error)
        if refused is not None and (exchange.refused or not exchange.status):
            return await _refuse(exchange, refused)
        if type(error).__name__ != 'CancelledError':  # the client has gone
            note_failure(request)
            exchange.status = exchange.status or 500
        raise
    finally:
        exchange.end()


@guard.guarded
def refusal_in(error):
    """The Blocked that was raised, perhaps in a group of a task group's errors."""
    if isinstance(error, blocked.Blocked):
        return error
    for inner in getattr(error, 'exceptions', ()):
        found = refusal_in(inner)
        if found is not None:
            return found
    return None


@guard.guarded
def _unheard(request, error):
    return blocked.unheard(request) if isinstance(error, Exception) else None


async def _refuse(exchange, error):
    """Answer in the app's place."""
    if not exchange.refused:
        await exchange._begins(error)
    if not exchange.finished:
        await exchange._raw_send(dict(_END))
    exchange.end()


@guard.guarded
def _refusal(error, scope):
    """All of it but its end: an app that sends something else behind it is not told that its client has all."""
    _, headers, body = blocked.response(error, _accept(scope) or '', scope.get('method'))
    raw = [(name.lower().encode('latin-1'), value.encode('latin-1')) for name, value in headers]
    start = {'type': 'http.response.start', 'status': error.status, 'headers': raw}
    return start, {'type': _BODY, 'body': b''.join(body), 'more_body': True}


def _plain():
    headers = [(b'content-type', b'text/plain'), (b'content-length', b'15')]
    start = {'type': 'http.response.start', 'status': 403, 'headers': headers}
    return start, {'type': _BODY, 'body': b'Request blocked', 'more_body': True}


@guard.guarded
def _accept(scope):
    return dict(scope.get('headers') or ()).get(b'accept', b'').decode('latin-1')


class _Exchange(object):
    """Listens to what the application receives and sends. `size`: bytes of the body that went to the server."""

    def __init__(self, request, receive, send, scope):
        self.request, self._receive, self._send, self._scope = request, receive, send, scope
        self.status, self.headers, self.size = 0, (), 0
        self.refused = self.finished = False

    async def receive(self):
        message = await self._receive()
        self._received(message)
        return message

    async def send(self, message):
        if self.request.judging is not None and not self.status:
            self._look(message)
        if self.request.refusal is not None:
            refusal = self._caught(message)
            if refusal is not None:
                return await self._begins(refusal)
            if self.refused:
                return await self._raw_send(dict(_END)) if self._ends(message) else None
        return await self._raw_send(message)

    async def _begins(self, error):
        self.refused = True
        messages = _refusal(error, self._scope) or _plain()
        await self._raw_send(messages[0])
        await self._raw_send(messages[1])

    async def _raw_send(self, message):
        result = await self._send(message)
        self._sent(message)
        return result

    @guard.guarded
    def _look(self, message):
        """What the app answers is known, and nothing of it is out."""
        if message['type'] == 'http.response.start':
            asking.at_response(self.request, int(message['status']), _headers_of(message))

    @guard.guarded
    def _ends(self, message):
        """Whether this is the last that an app sends which is refused."""
        kind, ended = message['type'], self.finished
        self.finished = ended or kind in _FILES or not message.get('more_body', kind != _BODY)
        return self.finished and not ended

    @guard.guarded
    def _caught(self, message):
        """The refusal, where the app caught it and begins an answer in spite of it."""
        if self.status or message['type'] != 'http.response.start':
            return None
        return blocked.unheard(self.request)

    @guard.guarded
    def end(self):
        request = self.request
        if request is not None and not request.ended:
            request.response_size = self.size
            lifecycle.end(request, self.status, self.headers)

    @guard.guarded
    def _received(self, message):
        body = message.get('body')
        if body and not self.request.ended:
            lifecycle.saw_body(self.request, body)

    @guard.guarded
    def _sent(self, message):
        kind = message['type']
        if kind == 'http.response.start':
            self._started(message)
            return
        if kind == _BODY:
            self.size += len(message.get('body') or b'')
        elif kind in _FILES:
            self.size += message.get('count') or self._announced()
        elif kind != 'http.response.trailers':
            return
        if not message.get('more_body') and not message.get('more_trailers'):
            lifecycle.answered(self.request)

    def _started(self, message):
        self.status, self.headers = int(message['status']), _headers_of(message)

    def _announced(self):
        """What the headers say of the size: files are sent by the server."""
        return next((int(v) for n, v in self.headers if n.lower() == 'content-length'), 0)


def _headers_of(message):
    headers = message.get('headers') or ()
    if not isinstance(headers, (list, tuple)):  # an iterator is the server's to walk through
        return ()
    return [
        (bytes(name).decode('latin-1'), bytes(value).decode('latin-1')) for name, value in headers
    ]


def wrap(application, framework=''):
    """An ASGI application under the agent, for people who want it explicit."""

    async def wrapped(scope, receive, send):
        return await call(application, scope, receive, send, framework)

    return wrapped


def application_method(framework):
    """A handler for `Class.__call__(self, scope, receive, send)`."""

    async def handler(original, args, kwargs):
        if kwargs or len(args) != 4:
            return await original(*args, **kwargs)
        app = args[0]

        async def bound(scope, receive, send):
            return await original(app, scope, receive, send)

        return await call(bound, *args[1:], framework=framework)

    return handler


def loaded(attribute):
    """A handler for a method after which this attribute is the application that a server is going to call."""

    def handler(original, args, kwargs):
        result = original(*args, **kwargs)
        _wrap_loaded(args, attribute)
        return result

    return handler


@guard.guarded
def _wrap_loaded(args, attribute):
    setattr(args[0], attribute, wrap(getattr(args[0], attribute)))


async def route_handled(original, args, kwargs):
    """starlette's Route.handle(self, scope, receive, send): the router has matched."""
    _note_route(*args[:2])
    return await original(*args, **kwargs)


@guard.guarded
def _note_route(route, scope):
    serving = scope.get(KEY)
    if serving is not None and not serving.ended:
        mounted = scope.get('root_path', '')[len(scope.get('app_root_path', '')) :]
        lifecycle.set_route(serving, mounted + route.path, scope.get('path_params'))


ROWS = [
    Row('starlette.applications', 'Starlette.__call__', application_method('starlette')),
    Row('starlette.routing', 'Route.handle', route_handled),
    Row('fastapi.applications', 'FastAPI.__call__', application_method('fastapi')),
    Row('django.core.handlers.asgi', 'ASGIHandler.__call__', application_method('django')),
    Row('uvicorn.config', 'Config.load', loaded('loaded_app')),
    Row('gunicorn.workers.gasgi', 'ASGIWorker.load_wsgi', loaded('asgi')),
    Row('hypercorn.app_wrappers', 'ASGIWrapper.__init__', given(1, 'app', wrap)),
    Row('daphne.server', 'Server.__init__', given(1, 'application', wrap)),
]
