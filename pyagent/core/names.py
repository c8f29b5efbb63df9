"""Names that moved between Python versions, found by trying."""

from __future__ import absolute_import

import atexit
import threading
import time

try:
    text_type, integer_types = unicode, (int, long)  # noqa: F821
except NameError:
    text_type, integer_types = str, (int,)

try:
    import builtins
except ImportError:
    import __builtin__ as builtins

try:
    from contextvars import ContextVar
except ImportError:
    ContextVar = None

try:
    import fcntl
except ImportError:
    fcntl = None

try:
    from atexit import unregister as forget_at_exit
except ImportError:

    def forget_at_exit(function):
        """Take a function off those that are called at the interpreter's exit."""
        kept = [entry for entry in atexit._exithandlers if entry[0] != function]
        atexit._exithandlers[:] = kept


monotonic = getattr(time, 'monotonic', time.time)

try:
    from time import perf_counter
except ImportError:
    perf_counter = time.time

try:
    from time import time_ns
except ImportError:

    def time_ns():
        """Nanoseconds since the epoch."""
        return int(time.time() * 1e9)


# The kernel's thread id where Python knows it (3.8 and later), else 0.
native_thread_id = getattr(threading, 'get_native_id', lambda: 0)

__all__ = [
    'ContextVar',
    'builtins',
    'fcntl',
    'forget_at_exit',
    'integer_types',
    'monotonic',
    'native_thread_id',
    'perf_counter',
    'text_type',
    'time_ns',
]
