"""Outbound HTTP requests carry the trace on: `traceparent`, unless the app or a tracer has set one."""

from __future__ import absolute_import

from ..core import agent as agents
from ..core import context, guard, tracing
from .patch import Row

HEADER = 'traceparent'


def header():
    """The header's value for what is sent here now, or None."""
    request, agent = context.current(), agents.get()
    if request is None or request.ended or agent is None or not agent.config.propagate:
        return None
    return tracing.traceparent(request)


@guard.guarded
def add_to(headers):
    """Add the header to a mapping that ignores case."""
    value = header()
    if value is not None and HEADER not in headers:
        headers[HEADER] = value


def ended(original, args, kwargs):
    """http.client's HTTPConnection.endheaders(self, ...): the last moment at which a header can be added."""
    _put(args[0])
    return original(*args, **kwargs)


@guard.guarded
def _put(connection):
    value = header()
    if value is None or connection._HTTPConnection__state != 'Request-started':
        return
    name = HEADER.encode('ascii') + b':'
    if not any(line[: len(name)].lower() == name for line in connection._buffer):
        connection.putheader(HEADER, value)


ROWS = [
    Row('http.client', 'HTTPConnection.endheaders', ended),
    Row('httplib', 'HTTPConnection.endheaders', ended),
]
