"""Who works for which request: threads and pools that a request starts, and those that are nobody's."""

from __future__ import absolute_import

from . import context, mark
from .guard import guarded


def carry(function, anew=False):
    """`function`, to be called in another thread, works for the request that is served here now. A thread that begins
    `anew` has the mark of the one that starts it.
    """
    request = context.current()
    if request is None:
        return function

    def carried(*args, **kwargs):
        before = _switch(request, anew)
        try:
            return function(*args, **kwargs)
        finally:
            _switch(before)

    return carried


def outside(function):
    """`function` works for no request, whoever calls it."""

    def freed(*args, **kwargs):
        _switch(None, True)
        return function(*args, **kwargs)

    return freed


@guarded
def _switch(request, anew=False):
    """From now on this thread works for `request`, or for none; returns for which it did."""
    before = context.current()
    context.enter(request)
    mark.take_back()
    number = _number(request)
    if anew or number != _number(before):
        mark.set_mark(number)
    return before


def _number(request):
    """What a thread is marked with that works for a request, between its operations."""
    return request.number if request is not None and not request.shares_thread else 0
