"""Who it is: the user of a request, logins, failures and logouts. Session keys leave only as digests."""

from __future__ import absolute_import

import hashlib

from . import agent as agents
from . import context, names, record
from .guard import count, guarded
from .ids import new_id

SESSION_DIGITS = 16


@guarded
def set_user(user_id, login='', session_key=''):
    """The request is served for this user."""
    request, agent = context.current(), agents.get()
    if request is not None and agent is not None and agent.config.user_mode != 'disabled':
        request.user = _user(agent, user_id, login, session_key)


@guarded
def login_event(outcome, user_id='', login='', session_key='', framework=''):
    """Somebody logged in, failed to, or logged out; told at once and never dropped before other data."""
    request, agent = context.current(), agents.get()
    if agent is None or agent.mode == 'off' or agent.config.user_mode == 'disabled':
        return
    user = _user(agent, user_id, login, session_key)
    if request is not None:
        _announce_request(agent, request)
        if outcome == 'success':
            request.user = user
    now = names.time_ns()
    event = record.login_record(new_id(), now, outcome, user, framework, request)
    agent.stream.put(event, urgent=True)
    count('logins')


def _announce_request(agent, request):
    """The collector resolves the address of a login from its request."""
    if not request.announced:
        request.announced = True
        agent.stream.put(record.request_record(request, 'start'), urgent=True)


def _user(agent, user_id, login, session_key):
    user_id, login = record.text(user_id, 1000), record.text(login, 1000)
    if agent.config.user_mode == 'anonymisation':
        user_id, login = _anonymous(user_id), _anonymous(login)
    session = _digest(session_key)[:SESSION_DIGITS] if session_key else ''
    return record.user_record(user_id, login, session)


def _anonymous(value):
    return 'anon_' + _digest(value)[:32] if value else value


def _digest(value):
    return hashlib.sha256(record.text(value, 4096).encode('utf-8', 'replace')).hexdigest()
