"""Outbound HTTP requests carry the trace on: `traceparent` and `tracestate`, unless the app or a tracer has set one.

They are added where a client turns a request into bytes, or right above: the app's own objects never show them.
"""

from __future__ import absolute_import

from ..core import agent as agents
from ..core import context, guard, tracing
from .patch import Row

_NAME = tracing.PARENT.encode('ascii') + b':'


@guard.guarded
def headers(present):
    """[(name, value)] to add to what is sent here now; `present` is the traceparent that it has already, or ''."""
    request, agent = context.current(), agents.get()
    if request is None or request.ended or agent is None or not agent.config.propagate:
        return []
    if present:
        tracing.note_told(request, present)
        return []
    parent, state = tracing.outgoing(request)
    return [(tracing.PARENT, parent), (tracing.STATE, state)][: 2 if state else 1]


def ended(original, args, kwargs):
    """http.client's HTTPConnection.endheaders(self, ...): the last moment at which a header can be added."""
    if context.current() is not None:
        _put(args)
    return original(*args, **kwargs)


@guard.guarded
def _put(args):
    connection = args[0]
    if connection._HTTPConnection__state == 'Request-started':
        present = [line for line in connection._buffer if line[: len(_NAME)].lower() == _NAME]
        told = present[0][len(_NAME) :].strip().decode('latin-1') if present else ''
        for name, value in headers(told) or ():
            connection.putheader(name, value)


ROWS = [
    Row('http.client', 'HTTPConnection.endheaders', ended),
    Row('httplib', 'HTTPConnection.endheaders', ended),
]
