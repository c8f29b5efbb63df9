"""ASGI, under every asynchronous framework: a request is one call of the application with an `http` scope.

Tasks take turns on one thread, so the mark stands for the operation only.
"""

from __future__ import absolute_import

from functools import partial

from ..core import blocked, context, guard, lifecycle
from . import audit
from .asgi_answer_py3 import Exchange, refuse
from .failure import note_failure
from .incoming_asgi import arrival
from .patch import Row, after
from .servers import given

KEY = 'cowitness.request'


async def call(application, scope, receive, send, framework=''):
    """Serve one call under the agent; nested applications share one request."""
    try:
        exchange = _begin(scope, receive, send, framework)
    except blocked.Blocked as error:
        return await refuse(Exchange(context.current(), receive, send, scope), error)
    if exchange is None:
        return await application(scope, receive, send)
    request = exchange.request
    try:
        return await application(scope, exchange.receive, exchange.send)
    except BaseException as error:
        refused = refusal_in(error) or _unheard(request, error)
        if refused is not None and (exchange.refused or not exchange.status):
            return await refuse(exchange, refused)
        if type(error).__name__ != 'CancelledError':  # the client has gone
            note_failure(request)
            exchange.status = exchange.status or 500
        raise
    finally:
        exchange.end()


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
    exchange = Exchange(None, receive, send, scope)
    request = exchange.request = lifecycle.begin(found[0], found[1], shares_thread=True)
    if request is None:
        return None
    request.framework = framework
    scope[KEY] = request  # the same scope: who called us looks into it afterwards
    return exchange


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
        return await call(partial(original, args[0]), *args[1:], framework=framework)

    return handler


def loaded(attribute):
    """A handler for a method after which this attribute is the application that a server is going to call."""

    @after
    def handler(args, kwargs, result):
        setattr(args[0], attribute, wrap(getattr(args[0], attribute)))

    return handler


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
