"""The life of a request: begin, what is learnt on the way, end. Hooks call this room and nothing beneath it, but for
`operations`, `asking` and `carrying` beside it.

Everything here is guarded: it returns None rather than raise, except for `blocked.Blocked`.
"""

from __future__ import absolute_import

from . import agent as agents
from . import asking, context, early, incoming, mark, names, record, tracing
from .guard import count, guarded
from .ids import hexadecimal, new_pair
from .request_record import request_record


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
        asking.ask(agent, request, None, 'request')
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
    request.protocol = environ.get('SERVER_PROTOCOL')
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
        early.announce(agent, request)
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
    """The router found this template. May raise Blocked: parameters that look unusual are judged in block mode, and
    routes where the policy limits them."""
    if _set_route(request, route, path_params, framework):
        asking.at_route(request)


@guarded
def _set_route(request, route, path_params, framework):
    """Whether there is something to ask: a route that may be limited, or parameters that nobody has judged and that look
    unusual.
    """
    agent, known = agents.get(), request.route
    request.route = route or known
    request.framework = framework or request.framework
    limited = request.route != known and agent is not None and agent.asks_routes
    if not path_params or path_params == request.path_params:
        return limited
    request.path_params = dict(path_params)
    return limited or incoming.unusual_texts(path_params.values())


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
