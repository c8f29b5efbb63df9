"""Asking the collector whether a request may go on, and what comes of its answer.

Everything here is guarded: it returns None rather than raise, except for `blocked.Blocked`.
"""

from __future__ import absolute_import

from . import agent as agents
from . import context, early, incoming, names, record, wire
from .blocked import Blocked, played
from .guard import count, guarded
from .request_record import add_answer, request_record

MAX_IN_VAIN = 3
"""Verdicts that one request waits for in vain, before its end."""

LOOK_AGAIN = 0.001
"""Seconds after which an app that has begun its answer may have done more."""


class Judging(object):
    """What is known of the verdicts on one request. `suspect`: something was found in it; `in_vain`: verdicts that did
    not come; `size`: bytes of the body that were judged; `version`: the policy's; `looked`: when its answer was.
    """

    __slots__ = ('suspect', 'in_vain', 'late', 'size', 'version', 'looked')

    def __init__(self, version):
        self.version = version
        self.suspect = self.late = False
        self.in_vain = self.size = 0
        self.looked = 0.0


def ask(agent, request, operation, where):
    """Let the collector judge; raises Blocked where it says so."""
    refusal = _refusal(agent, request, operation, where)
    if refusal is not None:
        raise refusal


def at_route(request):
    """Its parameters are known now. May raise Blocked."""
    agent = agents.get()
    if _may_ask(agent, request):
        ask(agent, request, None, 'route')


@guarded
def at_user(request):
    """The user of this request is known now. May raise Blocked, where the policy lists users."""
    agent = agents.get()
    if _may_ask(agent, request) and agent.asks_users:
        ask(agent, request, None, 'user')


@guarded
def at_response(request, status, headers):
    """The head of the answer is about to go out. Where there is a reason the collector is asked once more; a refusal is
    noted, and is the caller's to play (`request.refusal`).
    """
    agent, judging = agents.get(), request.judging
    if judging is not None and _may_ask(agent, request):
        if judging.suspect or agent.asks_responses or _has_news(agent, request):
            _look(agent, request, status, headers)


@guarded
def at_first_part(request, status, headers):
    """The same right before the first part goes out, where the app has done more since it began its answer."""
    agent, judging = agents.get(), request.judging
    if _may_ask(agent, request):
        late = judging.suspect and names.perf_counter() - judging.looked > LOOK_AGAIN
        if late or _has_news(agent, request):
            _look(agent, request, status, headers)


def _may_ask(agent, request):
    """Whether a request may be stopped still."""
    return agent is not None and agent.asks and not request.ended and request.blocked is None


def _has_news(agent, request):
    """Whether more is known than when it was judged: a verdict did not come, the policy is another, or there is a body
    that nobody has judged and that looks unusual.
    """
    judging = request.judging
    if judging.in_vain or judging.version != agent.policy_version:
        return True
    return request.body_size > judging.size and incoming.unusual_body(request.body)


def _look(agent, request, status, headers):
    request.status = status
    if isinstance(headers, (list, tuple)):  # an iterator is the server's to walk through
        request.response_headers = headers
    judging = request.judging
    judging.in_vain = 0
    if _refusal(agent, request, None, 'response') is not None:
        add_answer(request.blocked, request)
    judging.version, judging.looked = agent.policy_version, names.perf_counter()


@guarded
def _refusal(agent, request, operation, where):
    answer = _answer(agent, request, operation)
    if answer is None or answer.get('action') != 'block':
        return None
    refusal = Blocked(request.request_id, answer.get('status'), played(answer))
    return _stopped(request, where, refusal)


def block(status=403):
    """Stop the request that is served here: raises Blocked, unless there is none or the agent is off."""
    refusal = _refusal_by_app(status)
    if refusal is not None:
        raise refusal


@guarded
def _refusal_by_app(status):
    request, agent = context.current(), agents.get()
    if request is None or agent is None or agent.mode == 'off' or request.ended:
        return None
    return _stopped(request, 'app', Blocked(request.request_id, status))


def _stopped(request, where, refusal):
    """The refusal, noted; where a request was stopped first stays what is told."""
    if request.blocked is None:
        request.blocked = {'where': where, 'response_id': request.request_id}
        request.refusal = refusal.status, refusal.answer
        count('blocked')
    return refusal


@guarded
def would_block():
    """Whether the collector, asked again now, would stop the request that is served here."""
    request, agent = context.current(), agents.get()
    if request is None or agent is None or not agent.asks:
        return False
    answer = _answer(agent, request, None)
    return answer is not None and answer.get('action') == 'block'


@guarded
def _answer(agent, request, operation):
    """The VERDICT on a request, or on an operation of it; None where none came in time."""
    judging = request.judging
    if judging is None:
        judging = request.judging = Judging(agent.policy_version)
    if judging.in_vain >= MAX_IN_VAIN:
        count('verdicts_skipped')
        return _missed(judging, operation)
    size = request.body_size
    more = {'operation': None, 'mode': agent.mode}
    if operation is not None:
        more['operation'] = record.operation_record(operation)
        if size > judging.size:
            more['rules'] = True
    asked = wire.encode_ask(request_record(request, 'start'), more)
    answer = agent.verdicts.ask(asked, request)
    if answer is None:
        return _missed(judging, operation)
    judging.size = size
    return _noted(agent, request, answer)


def _missed(judging, operation):
    judging.in_vain += 1
    if operation is not None:
        operation.late = True
    else:
        judging.late = True
    return None


def _noted(agent, request, answer):
    """What a verdict says besides: something was found, so that the collector is told of the request before its end."""
    if answer.get('again'):
        request.judging.suspect = True
        if not request.announced:
            early.announce(agent, request)
    return answer
