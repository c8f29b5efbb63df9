"""Who it is: the user of a request, and what users do: log in, fail to, log out, sign up. Session keys leave as digests.

COWITNESS_USER_MODE says what hooks tell: ids as they are and names as salted digests (names and e-mail addresses are
personal data), both as they are, both as digests, or nothing. What an app tells itself through `pyagent.track_...` is
never left out, and a digest in anonymisation alone.
"""

from __future__ import absolute_import

import hashlib

from . import agent as agents
from . import asking, context, names, record, wire
from .guard import count, guarded
from .ids import new_id
from .request_record import request_record

SESSION_DIGITS = 16
_IDS = ('pk', 'id', 'uid', 'userid', 'user_id')
_LOGINS = ('username', 'user', 'login', 'email')


@guarded
def set_user(user_id, login='', session_key='', told=False, metadata=None):
    """The request is served for this user. `told` by the app itself, or found by a hook. May raise Blocked."""
    request = note_user(user_id, login, session_key, told, metadata)
    if request is not None:
        asking.at_user(request)


@guarded
def note_user(user_id, login='', session_key='', told=False, metadata=None):
    """The same, and nobody is stopped; the request, where this is news of one."""
    request, agent = context.current(), agents.get()
    if request is not None and _heard(agent, told) and (told or request.user is None):
        request.user = _user(agent, user_id, login, session_key, told)
        record.add_details(request.user, {'metadata': metadata})
        return request
    return None


@guarded
def event(outcome, user_id='', login='', session_key='', framework='', told=False, **details):
    """Somebody did something (success, failure, logout, signup, custom); told at once, never dropped before other data.

    `details`: exists (whether there is such a user), name (of a custom event), metadata {text: text}. May raise Blocked
    at a login.
    """
    request = _event(outcome, user_id, login, session_key, framework, told, details)
    if request is not None and outcome == 'success':
        asking.at_user(request)


@guarded
def _event(outcome, user_id, login, session_key, framework, told, details):
    """The request in which it happened, if any."""
    request, agent = context.current(), agents.get()
    if not _heard(agent, told) or agent.mode == 'off':
        return None
    user = _user(agent, user_id, login, session_key, told)
    if request is not None:
        _announce_request(agent, request)
        if outcome in ('success', 'logout'):
            request.user = user
    fact = record.login_record(new_id(), names.time_ns(), outcome, user, framework, request)
    record.add_details(fact, details)
    agent.stream.put(wire.encode_body(fact), urgent=True)
    count('logins')
    return request


def identify(user):
    """(id, login) of a user object of any framework, by the usual names. Asks nothing that could query a database."""
    user_id = next((getattr(user, n) for n in _IDS if getattr(user, n, None) is not None), '')
    named = getattr(user, 'get_username', None)
    if callable(named):
        deferred = getattr(user, 'get_deferred_fields', None)
        known = deferred() if callable(deferred) else ()
        if getattr(user, 'USERNAME_FIELD', '') in known:
            return user_id, ''
        try:
            return user_id, named()
        except Exception:  # Django's own fails where a model does not say which field it is
            pass
    return user_id, next((getattr(user, n) for n in _LOGINS if getattr(user, n, None)), '')


def _heard(agent, told):
    return agent is not None and (told or agent.config.user_mode != 'disabled')


def _announce_request(agent, request):
    """The collector resolves the address of a login from its request."""
    if not request.announced:
        request.announced = True
        agent.stream.put(request_record(request, 'start'), urgent=True)


def _user(agent, user_id, login, session_key, told):
    user_id, login = record.text(user_id, 1000), record.text(login, 1000)
    mode, salt = agent.config.user_mode, agent.config.user_salt
    named = user_id == login or u'@' in user_id  # an id that is a name
    if mode == 'anonymisation' or (mode == 'ids' and named and not told):
        user_id = _anonymous(salt, user_id)
    if mode == 'anonymisation' or (mode == 'ids' and not told):
        login = _anonymous(salt, login)
    session = _digest(session_key)[:SESSION_DIGITS] if session_key else ''
    return record.user_record(user_id, login, session)


def _anonymous(salt, value):
    return 'anon_' + _digest(salt + value)[:32] if value else value


def _digest(value):
    return hashlib.sha256(record.text(value, 4096).encode('utf-8', 'replace')).hexdigest()
