"""Primitives of the interpreter itself, also where gevent or eventlet has put its own in their place.

The agent's thread, locks and sockets must not switch greenlets: a hook would give way to another request in its midst.
Kept when the agent is loaded; where the patching came first, asked back of the one who did it.
"""

from __future__ import absolute_import

import io
import struct
import sys
import time as _time

from . import facts, names


def _original(module, name):
    """An attribute of a standard module as it was before anyone patched it."""
    monkey = sys.modules.get('gevent.monkey')
    if monkey is not None:
        return monkey.get_original(module, name)
    patcher = sys.modules.get('eventlet.patcher')
    if patcher is not None:
        return getattr(patcher.original(module), name)
    return getattr(__import__(module), name)


_THREADS = '_thread' if facts.TEXT_IS_UNICODE else 'thread'
start_thread = _original(_THREADS, 'start_new_thread')
Lock = _original(_THREADS, 'allocate_lock')
Local = _original(_THREADS, '_local')
Socket = _original('socket', 'socket')
sleep = _original('time', 'sleep')
open = io.open
# Before anything is hooked: the agent's own connections are not the app's.
connect = Socket.connect


def stream_socket(family):
    """A stream socket of this process: a command that the app executes does not inherit it."""
    import socket

    made = Socket(family, socket.SOCK_STREAM)
    if not facts.DESCRIPTORS_STAY and names.fcntl is not None:
        fcntl = names.fcntl
        fcntl.fcntl(made.fileno(), fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return made


def waiting_bytes(descriptor):
    """How many bytes have come on this socket that nobody has read; 0 where that cannot be asked."""
    if names.fcntl is None:
        return 0
    import termios

    return struct.unpack('i', names.fcntl.ioctl(descriptor, termios.FIONREAD, b'\0' * 4))[0]


class Wake(object):
    """An event with one waiter. `set` never waits."""

    def __init__(self):
        self._lock = Lock()
        self._lock.acquire()

    def set(self):
        """Let the waiter go, now or when it comes."""
        try:
            self._lock.release()
        except Exception:  # it was set already
            pass

    if facts.HAS_TIMED_LOCKS:

        def wait(self, seconds):
            """Return when set, or after so many seconds; it is unset then."""
            self._lock.acquire(True, seconds)

    else:

        def wait(self, seconds):
            """Return when set, or after so many seconds; it is unset then. Looks every 50 ms, as 2.7's own Event."""
            end = _time.time() + seconds
            while not self._lock.acquire(False):
                left = end - _time.time()
                if left <= 0:
                    return
                sleep(min(left, 0.05))
