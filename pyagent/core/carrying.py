"""Who works for which request: threads and pools that a request starts, and those that are nobody's."""

from __future__ import absolute_import

from . import context, mark
from .guard import guarded


def carry(function):
    """`function`, to be called in another thread, works for the request that is served here now."""
    request = context.current()
    if request is None:
        return function

    def carried(*args, **kwargs):
        before = _switch(request)
        try:
            return function(*args, **kwargs)
        finally:
            _switch(before)

    return carried


def outside(function):
    """`function` works for no request, whoever calls it."""

    def freed(*args, **kwargs):
        _switch(None)
        return function(*args, **kwargs)

    return freed


@guarded
def _switch(request):
    """From now on this thread works for `request`, or for none; returns for which it did."""
    before = context.current()
    context.enter(request)
    alone = request is not None and not request.shares_thread
    mark.set_mark(request.number if alone else 0)
    return before
