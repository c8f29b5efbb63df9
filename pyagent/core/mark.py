"""The mark: tells the kernel which request this thread serves (ARCHITECTURE.md, "The mark").

lseek(2) on descriptor -1 always fails with EBADF and touches nothing, yet its entry is traced; an offset of 2 ** 62
and above is no real one. So the mark needs no descriptor that the app could close or reuse, and costs one system call.
"""

from __future__ import absolute_import

import os

from . import facts, native

BASE = 1 << 62
NO_DESCRIPTOR = -1
_here = native.Local()


def set_mark(request_id):
    """This thread now works for `request_id`; 0 is the empty mark."""
    if facts.HAS_MARKS:
        try:
            os.lseek(NO_DESCRIPTOR, BASE | request_id, os.SEEK_SET)
        except OSError:
            pass


def clear_mark():
    """This thread works for no request."""
    set_mark(0)


def leave_mark(request_id):
    """Mark this thread, though nobody will say when that is over: `is_left` until `take_back`."""
    set_mark(request_id)
    _here.left = True


def is_left():
    """Whether this thread has a mark that somebody left."""
    return getattr(_here, 'left', False)


def take_back():
    """Clear a mark that somebody left here."""
    if is_left():
        clear_mark()
        _here.left = False
