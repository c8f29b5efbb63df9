"""What is told before a request's end, so that the evidence outlives this process."""

from __future__ import absolute_import

from . import incoming, record
from .guard import guarded
from .request_record import request_record

DANGEROUS = frozenset(('shell', 'argv', 'file', 'url', 'template', 'deserialize', 'xml'))


@guarded
def announce(agent, request):
    """Tell of a request that looks unusual, or in which something was found."""
    request.announced = True
    agent.stream.put(request_record(request, 'start'), urgent=True)


@guarded
def witness(agent, request, operation):
    """A dangerous operation of an unusual request is told before it happens."""
    if not request.announced and request.body and incoming.unusual_body(request.body):
        announce(agent, request)
    if request.announced:
        agent.stream.put(record.late_record(operation), urgent=True)
