"""The life of a request: begin, what is learnt on the way, end. Hooks call this room and nothing beneath it.

Everything here is guarded: it returns None rather than raise, except for `blocked.Blocked`.
"""

from __future__ import absolute_import

from . import agent as agents
from . import context, incoming, mark, names, record, tracing, wire
from .blocked import Blocked, played
from .guard import count, guarded
from .ids import hexadecimal, new_pair
from .request_record import request_record

_TOLD_EARLY = frozenset(('shell', 'argv', 'file', 'url', 'template', 'deserialize', 'xml'))


def begin(environ, headers=None, shares_thread=False, fill=None):
    """A request arrives. Returns the Request, or None where the agent is off. May raise Blocked.

    `headers` [(name, value)] where they do not stand in the WSGI environ. A request that has its thread to itself marks
    it until its end; one that `shares_thread` with others marks it for each operation. `fill(request)` adds what is known
    of it beyond that.
    """
    agent = agents.get()
    if agent is None or agent.mode == 'off':
        return None
    request = _begin(agent, environ, headers, shares_thread, fill)
    if request is not None and agent.asks:
        _ask(agent, request, None, 'request')
    return request


@guarded
def _begin(agent, environ, headers, shares_thread, fill):
    agent.stream.prepare()
    request = context.Request()
    request.number, request.trace_id = new_pair()
    request.shares_thread = shares_thread or context.shares_thread()
    request.request_id = hexadecimal(request.number)
    request.start_time, request.started = names.time_ns(), names.perf_counter()
    request.thread_id = names.native_thread_id()
    request.line, request.port = incoming.line(environ), incoming.port(environ)
    request.headers = incoming.headers(environ) if headers is None else headers
    tracing.follow(request, environ)
    if fill is not None:
        fill(request)
    request.unusual = incoming.looks_unusual(environ)
    count('requests')
    context.enclose(None)
    if not request.shares_thread:
        mark.set_mark(request.number)
    context.enter(request)  # nothing fails from here on
    if request.unusual:
        _announce(agent, request)
    return request


def saw_body(request, data):
    """The app read `data` (bytes) of the body; a capped copy is kept."""
    agent = agents.get()
    size = len(data)
    room = (agent.config.body_bytes if agent is not None else 0) - request.body_size
    if room > 0:
        request.body.append(bytes(data[:room]))
    if size > room:
        request.body_truncated = True
    request.body_size += size


@guarded
def set_route(request, route, path_params=None, framework=None):
    """The router found this template. May raise Blocked: parameters that look unusual are judged in block mode."""
    if _set_route(request, route, path_params, framework):
        _check(request, 'route')


@guarded
def _set_route(request, route, path_params, framework):
    """Whether there are parameters that nobody has judged and that look unusual."""
    request.route = route or request.route
    request.framework = framework or request.framework
    if not path_params or path_params == request.path_params:
        return False
    request.path_params = dict(path_params)
    return incoming.unusual_texts(path_params.values())


@guarded
def check_user(request):
    """The user of this request is known now. May raise Blocked, where the policy lists users."""
    agent = agents.get()
    if agent is not None and agent.asks_users:
        _check(request, 'user')


def _check(request, where):
    """Ask once more, where a request may be stopped still."""
    agent = agents.get()
    if agent is not None and agent.asks and not request.ended and request.blocked is None:
        _ask(agent, request, None, where)


@guarded
def failed(request, kind, error, stack=()):
    """The app raised."""
    request.exception = {
        'type': record.text(getattr(kind, '__name__', kind), record.SHORT),
        'message': u'',
        'stack': [record.text(line, record.SHORT) for line in stack],
    }
    request.exception['message'] = record.text(
        error, record.SHORT
    )  # may fail: it is the app's code


def answered(request):
    """The answer is out, though the app may go on working for the request."""
    request.duration = int((names.perf_counter() - request.started) * 1e9)


@guarded
def end(request, status=0, response_headers=(), urgent=False):
    """The response is out: unmark this thread and queue the record; `urgent` where the process may end at once."""
    if request.ended:
        return
    request.ended = True
    if context.current() is request:
        context.enter(None)
        context.enclose(None)
    if not request.shares_thread:
        mark.clear_mark()
    if not request.duration:
        answered(request)
    request.status, request.response_headers = status, response_headers
    agent = agents.get()
    if agent is not None:
        urgent = urgent or request.announced or request.blocked is not None
        agent.stream.put(request_record(request, 'end'), urgent)


def operation_start(operation):
    """The app is about to do something; returns the operation when it belongs to a request. May raise Blocked."""
    request, agent = context.current(), agents.get()
    if request is None or agent is None or agent.mode == 'off':
        return None
    if _operation_start(agent, request, operation) is None:
        return None
    if agent.mode == 'block' and not request.ended:
        try:
            _ask(agent, request, operation, 'operation')
        except Blocked as error:
            operation.blocked, operation.error = True, 'Blocked'
            operation_end(operation)
            raise error
    return operation


def operation_goes_on(operation):
    """More is known of an operation that is under way (what its host resolved to). May raise Blocked."""
    agent = agents.get()
    if agent is not None and agent.mode == 'block' and not operation.request.ended:
        try:
            _ask(agent, operation.request, operation, 'operation')
        except Blocked:
            operation.blocked = True
            raise


@guarded
def _operation_start(agent, request, operation):
    if operation.kind == 'code':
        _make_room(request)
    if len(request.operations) >= context.MAX_OPERATIONS:
        request.dropped_operations += 1
        count('dropped_operations')
        return None
    operation.request, operation.outer = request, context.innermost()
    operation.index = request.next_index
    request.next_index += 1
    operation.start_time, operation.started = names.time_ns(), names.perf_counter()
    request.operations.append(operation)
    if request.shares_thread:
        mark.set_mark(request.number)
    context.enclose(operation)  # nothing fails from here on
    if operation.kind in _TOLD_EARLY:
        _witness_early(agent, request, operation)
    return operation


def _make_room(request):
    """Of many pieces of code the last ones stay: what comes of an input is made after the imports that it needs."""
    code = [operation for operation in request.operations if operation.kind == 'code']
    if len(code) >= context.MAX_CODE:
        request.operations.remove(code[0])
        request.dropped_operations += 1
        count('dropped_operations')


@guarded
def operation_end(operation, error=None):
    """It is done, or raised `error` (a class)."""
    request = operation.request
    if context.innermost() is operation:
        context.enclose(operation.outer)
    if request.shares_thread and operation.outer is None:
        mark.clear_mark()
    operation.duration = int((names.perf_counter() - operation.started) * 1e9)
    if error is not None:
        operation.error = record.text(getattr(error, '__name__', error), record.SHORT)
    agent = agents.get()
    if agent is not None and request.announced and (error is not None or request.ended):
        agent.stream.put(record.late_record(operation), urgent=True)


def carry(function, anew=False):
    """`function`, to be called in another thread, works for the request that is served here now. A thread that begins
    `anew` has the mark of the one that starts it.
    """
    request = context.current()
    if request is None:
        return function

    def carried(*args, **kwargs):
        before = _switch(request, anew)
        try:
            return function(*args, **kwargs)
        finally:
            _switch(before)

    return carried


def outside(function):
    """`function` works for no request, whoever calls it."""

    def freed(*args, **kwargs):
        _switch(None, True)
        return function(*args, **kwargs)

    return freed


@guarded
def _switch(request, anew=False):
    """From now on this thread works for `request`, or for none; returns for which it did."""
    before = context.current()
    context.enter(request)
    mark.take_back()
    number = _number(request)
    if anew or number != _number(before):
        mark.set_mark(number)
    return before


def _number(request):
    """What a thread is marked with that works for a request, between its operations."""
    return request.number if request is not None and not request.shares_thread else 0


@guarded
def _announce(agent, request):
    """Tell of the request before its end, so that the evidence outlives this process."""
    request.announced = True
    agent.stream.put(request_record(request, 'start'), urgent=True)


@guarded
def _witness_early(agent, request, operation):
    """A dangerous operation of an unusual request is told before it happens."""
    if not request.announced and request.body:
        if incoming.unusual_body(request.body):
            _announce(agent, request)
    if request.announced:
        agent.stream.put(record.late_record(operation), urgent=True)


def _ask(agent, request, operation, where):
    """Let the collector judge; raises Blocked where it says so."""
    refusal = _refusal(agent, request, operation, where)
    if refusal is not None:
        raise refusal


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
    more = {'operation': None, 'mode': agent.mode}
    if operation is not None:
        more['operation'] = record.operation_record(operation)
    return agent.verdicts.ask(wire.encode_ask(request_record(request, 'start'), more))
