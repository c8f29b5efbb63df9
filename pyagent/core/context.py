"""The request that is being served here and now, and what is remembered of it."""

from __future__ import absolute_import

import sys

from . import names, native

PROTOCOL = 'HTTP/1.1'
MAX_OPERATIONS = 512
MAX_CODE = 64  # of these; libraries make code of text while they are imported


class Request(object):
    """One request under way. Strings are as the server gave them; `record` makes them fit for the wire."""

    __slots__ = (
        'number', 'request_id', 'trace_id', 'parent_span_id', 'start_time', 'started', 'duration',
        'thread_id', 'line', 'port', 'headers', 'framework', 'route', 'path_params', 'body',
        'body_size', 'body_truncated', 'user', 'exception', 'status', 'response_headers',
        'operations', 'next_index', 'dropped_operations', 'announced', 'unusual', 'ended', 'blocked',
        'shares_thread', 'followed', 'trace_flags', 'tracestate', 'remote_span_id', 'sent_span_ids',
        'message', 'sought', 'response_size', 'native', 'refusal', 'server', 'judging', 'protocol',
    )  # fmt: skip

    def __init__(self):
        self.parent_span_id = self.framework = self.route = ''
        self.thread_id = self.duration = self.status = 0
        self.path_params = None
        self.body = []
        self.body_size = 0
        self.body_truncated = False
        self.user = self.exception = self.blocked = None
        self.response_headers, self.response_size = (), None
        self.operations = []
        self.next_index = self.dropped_operations = 0
        self.announced = self.unusual = self.ended = self.followed = False
        self.shares_thread = False
        self.trace_flags = '01'
        self.tracestate = self.remote_span_id = ''
        self.sent_span_ids = ()
        self.message = self.sought = None
        self.refusal = None  # (status, answer) that nobody has heard yet
        self.native = None  # the framework's own, on its way to its view
        self.judging = None  # what its verdicts have said, where there are any
        self.protocol = PROTOCOL
        self.server = ''  # what serves it, where that is no WSGI or ASGI server


class Operation(object):
    """Something that the app does for a request; `describe` in instrument/ fills it."""

    __slots__ = (
        'request', 'index', 'kind', 'start_time', 'started', 'duration', 'text', 'argv', 'system',
        'dialect', 'parameterised', 'error', 'stack', 'blocked', 'resolved', 'flags', 'outer',
        'server', 'rows', 'late',
    )  # fmt: skip

    def __init__(
        self, kind, text, system, argv=(), dialect='', parameterised=False, flags=''
    ):  # fmt: skip
        self.kind, self.text, self.system = kind, text, system
        self.argv, self.dialect = argv, dialect
        self.parameterised, self.flags = parameterised, flags
        self.duration = 0
        self.error = ''
        self.stack = ()
        self.blocked = self.late = False
        self.resolved = []
        self.outer = self.server = self.rows = None


if names.ContextVar is not None:
    _variable = names.ContextVar('cowitness_request', default=None)
    current = _variable.get
    enter = _variable.set
    _innermost = names.ContextVar('cowitness_operation', default=None)
    innermost = _innermost.get
    enclose = _innermost.set
else:
    _locals = [native.Local()]

    def current():
        """The request served here, or None."""
        return getattr(_locals[0], 'request', None)

    def enter(request):
        """From now on `request` (or None) is served here."""
        _locals[0].request = request

    def innermost():
        """The operation under way here, or None."""
        return getattr(_locals[0], 'operation', None)

    def enclose(operation):
        """From now on what happens here happens beneath `operation` (or None)."""
        _locals[0].operation = operation

    def follow_greenlets():
        """threading.local has been replaced by one that tells greenlets apart: what is remembered here goes there."""
        import threading

        _locals[0] = threading.local()


def shares_thread():
    """Whether what runs here takes turns with others on its thread: a greenlet beneath a hub does."""
    greenlet = sys.modules.get('greenlet')
    return greenlet is not None and greenlet.getcurrent().parent is not None
