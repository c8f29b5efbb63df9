"""Django's users: whom a request serves, and logins by Django's signals. No query is added."""

from __future__ import absolute_import

from ..core import context, guard, users
from .patch import Row


def loaded(original, args, kwargs):
    """django.contrib.auth.get_user(request): what `request.user` stands for, before the view goes on."""
    user = original(*args, **kwargs)
    note_asked(user, args)
    return user


@guard.guarded
def note_asked(user, args):
    """Somebody asked for the user of the request that is the first of `args`."""
    if context.current() is not None and args:
        note_user(user, args[0])


@guard.guarded
def note_user(user, request):
    """The request that is served here is served for this user. May raise Blocked."""
    serving = context.current()
    if serving is not None and serving.user is None and getattr(user, 'pk', None) is not None:
        users.set_user(*users.identify(user), session_key=_session(request))


def already_loaded(request):
    """The user, where somebody has asked for it already: asking here could cost a query."""
    user = getattr(request, '_cached_user', None) or getattr(request, '_acached_user', None)
    if user is None:
        user = vars(request).get('user')  # the app's, or REST framework's
        if type(user).__name__ == 'SimpleLazyObject':
            return None
    return user


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
    Row('django.contrib.auth', 'get_user', loaded),
    Row('django.contrib.auth.base_user', 'BaseUserManager.get_by_natural_key', sought),
    Row('django.contrib.auth.models', 'BaseUserManager.get_by_natural_key', sought),  # before 1.9
    Row('django.db.models.signals', 'post_save.send', heard(saved)),
]
for _name, _receiver in LOGINS.items():
    for _method in ('send', 'send_robust'):
        ROWS.append(Row('django.contrib.auth.signals', _name + '.' + _method, heard(_receiver)))
