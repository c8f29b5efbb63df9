"""Django: the application, the route, what a view raised, the user, and logins by its signals. No query is added."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle, users
from ..core.ledger import INSTALLED, ledger
from . import importhook
from .failure import note_here
from .patch import Row
from .wsgi import application_method

_SIGNALS = 'django.contrib.auth.signals'
_IDENTITY = 'cowitness'


def answered(original, args, kwargs):
    """BaseHandler.get_response(self, request): afterwards the route and the user are known."""
    response = original(*args, **kwargs)
    if context.current() is not None and len(args) > 1:
        note_request(context.current(), args[1])
    return response


@guard.guarded
def note_request(serving, request):
    """The route that was found and the user that was loaded."""
    match = getattr(request, 'resolver_match', None)
    if match is not None:
        route = getattr(match, 'route', None)
        route = '/' + route.lstrip('/') if route is not None else match.view_name
        lifecycle.set_route(serving, route, match.kwargs, 'django')
    user = getattr(request, '_cached_user', None)  # loaded already: asking costs no query
    if user is not None and serving.user is None and user.pk is not None:
        users.set_user(user.pk, user.get_username(), _session(request))


def raised(original, args, kwargs):
    """response_for_exception(request, error): a view or a middleware raised."""
    note_here(ignored=('Http404',))
    return original(*args, **kwargs)


def _session(request):
    return getattr(getattr(request, 'session', None), 'session_key', None) or ''


@guard.guarded
def logged_in(sender, request=None, user=None, **kwargs):
    """Receiver of user_logged_in."""
    users.login_event('success', user.pk, user.get_username(), _session(request), 'django')


@guard.guarded
def logged_out(sender, request=None, user=None, **kwargs):
    """Receiver of user_logged_out; a visitor who was not logged in is no event."""
    if user is not None and user.pk is not None:
        users.login_event('logout', user.pk, user.get_username(), _session(request), 'django')


@guard.guarded
def login_failed(sender, credentials=None, **kwargs):
    """Receiver of user_login_failed. `credentials` have their passwords masked by Django; only the name is taken."""
    credentials = credentials or {}
    names = (_username_field(), 'username', 'email', 'login', 'user')
    login = next((credentials[name] for name in names if credentials.get(name)), '')
    users.login_event('failure', '', login, '', 'django')


def _username_field():
    from django.contrib.auth import get_user_model

    return get_user_model().USERNAME_FIELD


_RECEIVERS = (
    ('user_logged_in', logged_in),
    ('user_logged_out', logged_out),
    ('user_login_failed', login_failed),
)


def install():
    """Listen to the login signals once their module is imported."""
    importhook.when_imported(_SIGNALS, _connect)


def uninstall():
    """Stop listening."""
    module = sys.modules.get(_SIGNALS)
    for name, _ in _RECEIVERS if module is not None else ():
        getattr(module, name).disconnect(dispatch_uid=_IDENTITY)


def _connect(module):
    for name, receiver in _RECEIVERS:
        getattr(module, name).connect(receiver, weak=False, dispatch_uid=_IDENTITY)
        ledger.note(_SIGNALS + '.' + name, INSTALLED)


ROWS = [
    Row('django.core.handlers.wsgi', 'WSGIHandler.__call__', application_method('django')),
    Row('django.core.handlers.base', 'BaseHandler.get_response', answered),
    Row('django.core.handlers.exception', 'response_for_exception', raised),
]
