"""Tasks out of a queue as requests: the name is the route, the arguments are a body of JSON, the message's headers carry
the trace on. What a library's own file knows is where they begin, and where the code of the app does.
"""

from __future__ import absolute_import

from ..core import agent as agents
from ..core import context, guard, lifecycle, names, tracing, wire
from ..core.blocked import Blocked
from .failure import note_failure
from .propagate import headers

MAX_DEPTH, MAX_VALUES = 8, 2000
_PLAIN = (bool, type(None), float) + names.integer_types
_HEADERS = [('content-type', 'application/json')]


def begin(system, name, queue, message_id, args, kwargs, carrier):
    """A task begins, with what its message carried. Returns the request, or None where it is part of another one, or
    the agent is off. A task that is to be refused has `blocked` set; `call` refuses it.
    """
    serving = context.current()
    if serving is not None and not serving.ended:
        return None

    def fill(request):
        request.framework, request.route = system, name
        parts = ('system', system), ('operation_name', 'process')
        request.message = dict(parts + (('destination_name', queue), ('message_id', message_id)))
        _add_arguments(request, args, kwargs)

    try:
        return lifecycle.begin(_environ(carrier), _HEADERS, fill=fill)
    except Blocked:
        return context.current()


def call(function, args, kwargs, ignored=()):
    """Call the app's code for the task under way. A refusal becomes an error that every queue knows what to do with."""
    request = context.current()
    if request is None or request.message is None or request.ended:
        return function(*args, **kwargs)
    try:
        if request.blocked is not None:
            raise Blocked(request.request_id)
        return function(*args, **kwargs)
    except Blocked as error:
        raise RuntimeError(str(error))
    except BaseException:
        note_failure(request, ignored)
        raise


def end(request):
    """The task is over; its process may be, too."""
    if request is not None:
        lifecycle.end(request, urgent=True)


def told(carrier):
    """The headers of a message that is being sent, with the trace: a copy, unless nothing is added."""
    added = _told(carrier) if context.current() is not None else None
    return carrier if added is None else added


@guard.guarded
def _told(carrier):
    present = [v for k, v in (carrier or {}).items() if str(k).lower() == tracing.PARENT]
    added = headers(str(present[0]) if present else '')
    return dict(carrier or {}, **dict(added)) if added else None


@guard.guarded
def _environ(carrier):
    """The trace headers among what a message carried, as WSGI would have them."""
    carrier = dict((str(k).lower(), v) for k, v in carrier.items()) if carrier else {}
    found = [(name, carrier[name]) for name in tracing.HEADERS if carrier.get(name)]
    return dict(('HTTP_' + name.upper().replace('-', '_'), str(value)) for name, value in found)


@guard.guarded
def _add_arguments(request, args, kwargs):
    """Values that are no plain ones are taken apart as far as they hold attributes; nothing of theirs is called."""
    room = agents.get().config.body_bytes // 2
    walk = _Walk(room)
    value = {'args': walk.plain(list(args or ()), 0), 'kwargs': walk.plain(dict(kwargs or {}), 0)}
    lifecycle.saw_body(request, wire.encode_body(value))
    request.body_truncated = request.body_truncated or walk.cut


class _Walk(object):
    """Arguments as plain values, of at most `room` characters in all."""

    def __init__(self, room):
        self.room, self.values, self.cut = room, MAX_VALUES, False

    def plain(self, value, depth):
        self.values -= 1
        if self.values < 0 or depth > MAX_DEPTH:
            self.cut = True
            return None
        if isinstance(value, (bytes, bytearray, names.text_type)):
            return self._text(value)
        if isinstance(value, _PLAIN):
            return self._text(repr(value)) if isinstance(value, float) else value
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._each(value, depth)
        if not isinstance(value, dict):
            value = getattr(value, '__dict__', None)
        return self._items(value, depth) if isinstance(value, dict) else None

    def _each(self, values, depth):
        found = []
        for value in values:
            if self.values <= 0:
                self.cut = True
                break
            found.append(self.plain(value, depth + 1))
        return found

    def _items(self, values, depth):
        found = {}
        for key, value in list(values.items()):
            if self.values <= 0:
                self.cut = True
                break
            if isinstance(key, (bytes, names.text_type) + names.integer_types):
                key = self._text(key) if isinstance(key, (bytes, names.text_type)) else str(key)
                found[key] = self.plain(value, depth + 1)
        return found

    def _text(self, value):
        if len(value) > self.room:
            self.cut, value = True, value[: self.room]
        self.room -= len(value)
        return (
            value if isinstance(value, names.text_type) else bytes(value).decode('utf-8', 'replace')
        )
