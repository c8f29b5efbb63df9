"""The request that is being served here and now, and what is remembered of it."""

from __future__ import absolute_import

import threading

from . import names

MAX_OPERATIONS = 512


class Request(object):
    """One request under way. Strings are as the server gave them; `record` makes them fit for the wire."""

    __slots__ = (
        'number', 'request_id', 'trace_id', 'parent_span_id', 'start_time', 'started', 'duration',
        'thread_id', 'pid', 'environ', 'headers', 'framework', 'route', 'path_params', 'body',
        'body_size', 'body_truncated', 'user', 'exception', 'status', 'response_headers',
        'operations', 'next_index', 'dropped_operations', 'depth', 'innermost', 'announced',
        'unusual', 'ended', 'blocked',
    )  # fmt: skip

    def __init__(self):
        self.parent_span_id = self.framework = self.route = ''
        self.thread_id = self.duration = self.status = 0
        self.path_params = None
        self.body = []
        self.body_size = 0
        self.body_truncated = False
        self.user = self.exception = self.blocked = self.innermost = None
        self.response_headers = ()
        self.operations = []
        self.next_index = self.dropped_operations = self.depth = 0
        self.announced = self.unusual = self.ended = False


class Operation(object):
    """Something that the app does for a request; `describe` in instrument/ fills it."""

    __slots__ = (
        'request', 'index', 'kind', 'start_time', 'started', 'duration', 'text', 'argv', 'system',
        'dialect', 'parameterised', 'error', 'stack', 'blocked', 'resolved', 'flags', 'outer',
    )  # fmt: skip

    def __init__(self, kind, text, system, **fields):
        self.kind, self.text, self.system = kind, text, system
        self.argv, self.dialect = fields.get('argv', ()), fields.get('dialect', '')
        self.parameterised = fields.get('parameterised', False)
        self.flags = fields.get('flags', '')
        self.duration = 0
        self.error = ''
        self.stack = ()
        self.blocked = False
        self.resolved = []
        self.outer = None


if names.ContextVar is not None:
    _variable = names.ContextVar('cowitness_request', default=None)
    current = _variable.get
    enter = _variable.set
else:
    _local = threading.local()

    def current():
        """The request served here, or None."""
        return getattr(_local, 'request', None)

    def enter(request):
        """From now on `request` (or None) is served here."""
        _local.request = request
