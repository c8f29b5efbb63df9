"""Django: the application, the route, what a view raised, the user, and logins by its signals. No query is added."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle, users
from ..core.blocked import Blocked
from . import django_routes
from .failure import note_here
from .patch import Row
from .wsgi import application_method


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
        route = django_routes.old_route(match) if route is None else '/' + route.lstrip('/')
        lifecycle.set_route(serving, route, match.kwargs, 'django')
    user = _loaded_user(request)
    if user is not None and serving.user is None:
        _note_user(user, request)


def loaded(original, args, kwargs):
    """django.contrib.auth.middleware.get_user(request): what `request.user` stands for, before the view goes on."""
    user = original(*args, **kwargs)
    serving = context.current()
    if serving is not None and serving.user is None and args:
        _note_user(user, args[0])
    return user


@guard.guarded
def _note_user(user, request):
    if getattr(user, 'pk', None) is not None:
        users.set_user(*users.identify(user), session_key=_session(request))


def _loaded_user(request):
    """The user, where somebody has asked for it already: asking here could cost a query."""
    user = getattr(request, '_cached_user', None) or getattr(request, '_acached_user', None)
    if user is None:
        user = vars(request).get('user')  # put there by REST framework's authentication
        if type(user).__name__ == 'SimpleLazyObject':
            return None
    return user


def raised(original, args, kwargs):
    """response_for_exception(request, error) and its forerunners: a view or a middleware raised.

    Django before 1.10 catches whatever is raised, a refusal too: that one goes on its way.
    """
    error = sys.exc_info()[1]
    if isinstance(error, Blocked):
        raise error
    note_here(ignored=('Http404',))
    return original(*args, **kwargs)


def _session(request):
    return getattr(getattr(request, 'session', None), 'session_key', None) or ''


@guard.guarded
def logged_in(sender, request=None, user=None, **kwargs):
    """user_logged_in."""
    _tell('success', user, _session(request))


@guard.guarded
def logged_out(sender, request=None, user=None, **kwargs):
    """user_logged_out; a visitor who was not logged in is no event."""
    if user is not None and user.pk is not None:
        _tell('logout', user, _session(request))


@guard.guarded
def login_failed(sender, credentials=None, **kwargs):
    """user_login_failed. `credentials` have their passwords masked by Django; only the name is taken."""
    credentials = credentials or {}
    names = (_username_field(), 'username', 'email', 'login', 'user')
    login = next((credentials[name] for name in names if credentials.get(name)), '')
    user_id, exists = _sought(login)
    users.event('failure', user_id, login, '', 'django', exists=exists)


def sought(original, args, kwargs):
    """BaseUserManager.get_by_natural_key(self, username): the query by which authentication finds out whether there is
    such a user tells us, too."""
    try:
        user = original(*args, **kwargs)
    except Exception as error:
        note_sought(args, error)
        raise
    note_sought(args, None, user)
    return user


@guard.guarded
def note_sought(args, error, user=None):
    """Remember whom a request looked for, and who was found."""
    request = context.current()
    if request is not None and len(args) > 1:
        if error is None or type(error).__name__ == 'DoesNotExist':
            request.sought = (args[1], getattr(user, 'pk', None))


def _sought(login):
    """(id, whether there is such a user) of the last look-up, where it was for this login; else ('', None)."""
    request = context.current()
    name, user_id = (request.sought if request is not None else None) or ('', None)
    if not login or name != login:
        return '', None
    return ('', False) if user_id is None else (user_id, True)


@guard.guarded
def saved(sender, instance=None, created=False, raw=False, **kwargs):
    """post_save: a user that is created while a request is served has signed up, under any proxy or child of
    the user model."""
    if created and not raw and context.current() is not None:
        model = _user_model()
        if model is not None and issubclass(sender, model._meta.concrete_model):
            _tell('signup', instance, '')


def _tell(outcome, user, session_key):
    user_id, login = users.identify(user)
    users.event(outcome, user_id, login, session_key, 'django')


def _username_field():
    model = _user_model()
    return model.USERNAME_FIELD if model is not None else 'username'


def _user_model():
    """The site's user model, or None: not every site has users."""
    from django.contrib.auth import get_user_model
    from django.core.exceptions import ImproperlyConfigured

    try:
        return get_user_model()
    except ImproperlyConfigured:
        return None


def heard(receiver):
    """A handler for a signal's `send(sender, **named)`. A receiver of ours would be found among the app's own."""

    def handler(original, args, kwargs):
        receiver(*args, **kwargs)
        return original(*args, **kwargs)

    return handler


LOGINS = {
    'user_logged_in': logged_in,
    'user_logged_out': logged_out,
    'user_login_failed': login_failed,
}
ROWS = [
    Row('django.core.handlers.wsgi', 'WSGIHandler.__call__', application_method('django')),
    Row('django.core.handlers.base', 'BaseHandler.get_response', answered),
    Row('django.contrib.auth.middleware', 'get_user', loaded),
    Row('django.core.handlers.exception', 'response_for_exception', raised),
    Row('django.core.handlers.base', 'BaseHandler.handle_uncaught_exception', raised),
    Row('django.contrib.auth.base_user', 'BaseUserManager.get_by_natural_key', sought),
    Row('django.contrib.auth.models', 'BaseUserManager.get_by_natural_key', sought),  # before 1.9
    Row('django.db.models.signals', 'post_save.send', heard(saved)),
]
for _name, _receiver in LOGINS.items():
    for _method in ('send', 'send_robust'):
        ROWS.append(Row('django.contrib.auth.signals', _name + '.' + _method, heard(_receiver)))
