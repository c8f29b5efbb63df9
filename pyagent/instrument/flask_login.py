"""Flask-Login: who logs in and out, and the user of each request. Failures are known to the app alone (pyagent.sdk)."""

from __future__ import absolute_import

from ..core import context, guard, users
from .patch import Row


def logged_in(original, args, kwargs):
    """login_user(user, ...): true where it did; it refuses users that are not active."""
    done = original(*args, **kwargs)
    if context.current() is not None:
        _tell('success' if done else 'failure', args[0] if args else kwargs.get('user'))
    return done


def logged_out(original, args, kwargs):
    """logout_user(): the session knows afterwards no more who it was."""
    user_id, session_key = _session('_user_id') or _session('user_id'), _session_key()
    done = original(*args, **kwargs)
    if user_id:
        users.event('logout', user_id, '', session_key, 'flask-login')
    return done


def loaded(original, args, kwargs):
    """_get_user(): what `current_user` stands for."""
    user = original(*args, **kwargs)
    if user is not None and context.current() is not None and context.current().user is None:
        _note(user)
    return user


@guard.guarded
def _tell(outcome, user):
    exists = None if outcome == 'success' else True
    login = users.identify(user)[1]
    users.event(outcome, user.get_id(), login, _session_key(), 'flask-login', exists=exists)


@guard.guarded
def _note(user):
    if not getattr(user, 'is_anonymous', False) is True:
        user_id = user.get_id()
        if user_id is not None:
            users.set_user(user_id, users.identify(user)[1], _session_key())


@guard.guarded
def _session(key):
    from flask import session

    return session.get(key) or ''


@guard.guarded
def _session_key():
    """A server-side session's own key (Flask-Session), else Flask-Login's mark of the browser."""
    from flask import session

    return getattr(session, 'sid', '') or session.get('_id') or ''


ROWS = []
for _module in ('flask_login.utils', 'flask_login'):
    ROWS.append(Row(_module, '_get_user', loaded))
    ROWS.append(Row(_module, 'login_user', logged_in))
    ROWS.append(Row(_module, 'logout_user', logged_out))
