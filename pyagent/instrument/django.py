"""Django: the application, the route, what a view raised, and refusals as responses of its own."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle
from ..core.blocked import Blocked, response as answer_to
from . import django_routes, django_users
from .failure import note_here
from .patch import Row, after, before
from .wsgi import application_method


def answered(original, args, kwargs):
    """BaseHandler.get_response(self, request): a refusal beneath it is answered as everything that Django answers."""
    serving = begun(args)
    if serving is None:
        return original(*args, **kwargs)
    try:
        response = original(*args, **kwargs)
        note_request(serving, args[1])
    except Blocked as error:
        response = refused(serving, error, args[1])
    finally:
        serving.native = None
    return response


@guard.guarded
def begun(args):
    """The request that is served here, on its way to Django's view; None beneath another one of Django's."""
    serving = context.current()
    if serving is None or serving.native is not None or len(args) < 2:
        return None
    serving.native = args[1]
    return serving


def refused(serving, error, request):
    """The response in the app's place; raises the refusal where there can be none."""
    response = _refusal(error, request)
    if response is None:
        raise error
    serving.refusal = None
    return response


@guard.guarded
def _refusal(error, request):
    """A response whose end closes what the request held, and is told by `request_finished`: that ends connections."""
    from django.http import HttpResponse

    accept = request.META.get('HTTP_ACCEPT', '')
    _, headers, body = answer_to(error, accept, request.method)
    response = HttpResponse(b''.join(body), status=error.status, reason='Blocked')
    del response['Content-Type']
    for name, value in headers:
        response[name] = value
    if hasattr(response, '_resource_closers'):
        response._resource_closers.append(request.close)
    else:  # before 3.0
        response._closable_objects.append(request)
    return response


@after
def resolved(args, kwargs, match):
    """BaseHandler.resolve_request(self, request), since 3.1: the route is known."""
    serving = context.current()
    if serving is not None and len(args) > 1 and serving.native is args[1]:
        _note_route(serving, args[1])


@before
def entered(args, kwargs):
    """BaseHandler.make_view_atomic(self, view): the middlewares have let the request through to its view."""
    serving = context.current()
    if serving is not None and serving.native is not None:
        note_request(serving, serving.native)


@guard.guarded
def note_request(serving, request):
    """The route that was found and the user that was loaded. May raise Blocked."""
    if not serving.route:
        _note_route(serving, request)
    if serving.user is None:
        django_users.note_user(django_users.already_loaded(request), request)


@guard.guarded
def _note_route(serving, request):
    match = getattr(request, 'resolver_match', None)
    if match is not None:
        route = getattr(match, 'route', None)
        route = django_routes.old_route(match) if route is None else '/' + route.lstrip('/')
        lifecycle.set_route(serving, route, match.kwargs, 'django')


def raised(original, args, kwargs):
    """response_for_exception(request, error) and its forerunners: a view or a middleware raised.

    Django before 1.10 catches whatever is raised, a refusal too: that one goes on its way.
    """
    error = sys.exc_info()[1]
    if isinstance(error, Blocked):
        raise error
    note_here(ignored=('Http404',))
    return original(*args, **kwargs)


ROWS = [
    Row('django.core.handlers.wsgi', 'WSGIHandler.__call__', application_method('django')),
    Row('django.core.handlers.base', 'BaseHandler.get_response', answered),
    Row('django.core.handlers.base', 'BaseHandler.resolve_request', resolved),
    Row('django.core.handlers.base', 'BaseHandler.make_view_atomic', entered),
    Row('django.core.handlers.exception', 'response_for_exception', raised),
    Row('django.core.handlers.base', 'BaseHandler.handle_uncaught_exception', raised),
]
