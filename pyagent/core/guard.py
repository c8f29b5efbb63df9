"""The guard: no exception of the agent reaches the app. What it swallows is counted and the last ones are kept."""

from __future__ import absolute_import

import functools
import sys
from collections import deque

MAX_KEPT = 20

counters = {}
_errors = deque(maxlen=MAX_KEPT)
_listeners = []


def count(name, amount=1):
    """Add to a counter that STATUS reports."""
    counters[name] = counters.get(name, 0) + amount


def swallow(where):
    """Note the exception being handled; call it from an except clause. Does not raise, with no stack left either."""
    try:
        kind, error, trace = sys.exc_info()
        count('guard_errors')
        _errors.append('%s: %s at %s' % (where, getattr(kind, '__name__', kind), _place(trace)))
        for listener in list(_listeners):
            listener(where, error)
    except Exception:
        pass


def errors():
    """The last swallowed errors, oldest first: where and what, never the app's values."""
    for _ in range(10):
        try:
            return list(_errors)
        except RuntimeError:  # another thread adds one
            continue
    return []


def on_error(listener):
    """Have `listener(where, error)` called for every swallowed error; tests re-raise there."""
    _listeners.append(listener)


def remove_listener(listener):
    """Stop telling `listener`."""
    _listeners.remove(listener)


def guarded(function):
    """Decorate agent code: an Exception becomes None. Blocked is no Exception and passes."""

    @functools.wraps(function)
    def safe(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception:
            swallow(function.__name__)
            return None

    return safe


def _place(trace):
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return '?'
    return '%s:%d' % (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
