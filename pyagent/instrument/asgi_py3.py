"""ASGI, under every asynchronous framework: a request is one call of the application with an `http` scope.

Tasks take turns on one thread, so the mark stands for the operation only. Messages pass by as they are; of a body a
capped copy is kept, as the app receives it.
"""

from __future__ import absolute_import

from ..core import blocked, context, guard, lifecycle
from . import audit
from .failure import note_failure
from .incoming_asgi import arrival
from .patch import Row

KEY = 'cowitness.request'


async def call(application, scope, receive, send, framework=''):
    """Serve one call under the agent; nested applications share one request."""
    if scope.get('type') != 'http':
        return await application(scope, receive, send)
    if KEY in scope:
        _inner(scope[KEY], framework)
        return await application(scope, receive, send)
    try:
        request = _begin(scope)
    except blocked.Blocked as error:
        return await _refuse(context.current(), error, scope, send)
    if request is None:
        return await application(scope, receive, send)
    request.framework = framework
    exchange = _Exchange(request, receive, send)
    return await _serve(application, dict(scope, **{KEY: request}), exchange)


def _begin(scope):
    found = arrival(scope)
    if found is None:
        return None
    audit.watch()
    return lifecycle.begin(found[0], found[1], shares_thread=True)


@guard.guarded
def _inner(request, framework):
    if (
        not request.framework and not request.ended
    ):  # FastAPI is a Starlette: the outer one says which it is
        request.framework = framework


async def _serve(application, scope, exchange):
    request = exchange.request
    try:
        return await application(scope, exchange.receive, exchange.send)
    except BaseException as error:
        refused = _refusal(error)
        if refused is not None and not exchange.status:
            return await _refuse(request, refused, scope, exchange.raw_send)
        note_failure(request, ignored=('CancelledError',))
        exchange.status = exchange.status or 500
        raise
    finally:
        lifecycle.end(request, exchange.status, exchange.headers)


def _refusal(error):
    """The Blocked that was raised, perhaps in a group of a task group's errors."""
    if isinstance(error, blocked.Blocked):
        return error
    for inner in getattr(error, 'exceptions', ()):
        found = _refusal(inner)
        if found is not None:
            return found
    return None


async def _refuse(request, error, scope, send):
    """Answer in the app's place."""
    accept = dict(scope.get('headers') or ()).get(b'accept', b'').decode('latin-1')
    status, headers, body = blocked.response(error, accept)
    if request is not None:
        lifecycle.end(request, error.status, headers)
    raw = [(name.lower().encode('latin-1'), value.encode('latin-1')) for name, value in headers]
    await send({'type': 'http.response.start', 'status': error.status, 'headers': raw})
    await send({'type': 'http.response.body', 'body': b''.join(body)})


class _Exchange(object):
    """Listens to what the application receives and sends."""

    def __init__(self, request, receive, send):
        self.request, self.raw_receive, self.raw_send = request, receive, send
        self.status, self.headers = 0, ()

    async def receive(self):
        message = await self.raw_receive()
        self._received(message)
        return message

    async def send(self, message):
        self._sends(message)
        await self.raw_send(message)

    @guard.guarded
    def _received(self, message):
        body = message.get('body')
        if body and not self.request.ended:
            lifecycle.saw_body(self.request, body)

    @guard.guarded
    def _sends(self, message):
        if message['type'] == 'http.response.start':
            self.status = int(message['status'])
            self.headers = [
                (bytes(name).decode('latin-1'), bytes(value).decode('latin-1'))
                for name, value in message.get('headers') or ()
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


def loaded(original, args, kwargs):
    """uvicorn's Config.load(self): afterwards `loaded_app` is what the server is going to call."""
    result = original(*args, **kwargs)
    _wrap_loaded(args[0])
    return result


@guard.guarded
def _wrap_loaded(config):
    if getattr(config, 'interface', 'asgi3') == 'asgi3':
        config.loaded_app = wrap(config.loaded_app)


def held(original, args, kwargs):
    """hypercorn's ASGIWrapper.__init__(self, app)."""
    if len(args) == 2:
        args = (args[0], wrap(args[1]))
    return original(*args, **kwargs)


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
    Row('uvicorn.config', 'Config.load', loaded),
    Row('hypercorn.app_wrappers', 'ASGIWrapper.__init__', held),
]
