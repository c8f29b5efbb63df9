"""The life of an operation: what an app is about to do for a request, and what came of it.

Everything here is guarded: it returns None rather than raise, except for `blocked.Blocked`.
"""

from __future__ import absolute_import

from . import agent as agents
from . import asking, context, early, mark, names, record
from .blocked import Blocked
from .guard import count, guarded


def start(operation):
    """The app is about to do something; returns the operation when it belongs to a request. May raise Blocked."""
    request, agent = context.current(), agents.get()
    if request is None or agent is None or agent.mode == 'off':
        return None
    if _start(agent, request, operation) is None:
        return None
    if agent.mode == 'block' and not request.ended:
        try:
            asking.ask(agent, request, operation, 'operation')
        except Blocked as error:
            operation.blocked, operation.error = True, 'Blocked'
            end(operation)
            raise error
    return operation


def goes_on(operation):
    """More is known of an operation that is under way (what its host resolved to). May raise Blocked."""
    agent = agents.get()
    if agent is not None and agent.mode == 'block' and not operation.request.ended:
        try:
            asking.ask(agent, operation.request, operation, 'operation')
        except Blocked:
            operation.blocked = True
            raise


@guarded
def _start(agent, request, operation):
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
    if operation.kind in early.DANGEROUS:
        early.witness(agent, request, operation)
    return operation


def _make_room(request):
    """Of many pieces of code the last ones stay: what comes of an input is made after the imports that it needs."""
    code = [operation for operation in request.operations if operation.kind == 'code']
    if len(code) >= context.MAX_CODE:
        request.operations.remove(code[0])
        request.dropped_operations += 1
        count('dropped_operations')


@guarded
def end(operation, error=None):
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
