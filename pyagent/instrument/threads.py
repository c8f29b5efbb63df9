"""Hooks that carry a request into the threads that it starts and the pools that work for it."""

from __future__ import absolute_import

from ..core import context, guard, lifecycle
from .patch import Row

_POOLS = ('concurrent.futures.thread',)


def start(original, args, kwargs):
    """threading.Thread.start(self): run for this request; a pool's own worker runs for nobody."""
    if context.current() is not None and args:
        _prepare(args[0])
    return original(*args, **kwargs)


@guard.guarded
def _prepare(thread):
    target = getattr(thread, '_target', None)
    pooled = getattr(target, '__module__', None) in _POOLS
    bind = lifecycle.outside if pooled else lifecycle.carry
    run = bind(thread.run)

    def run_once():
        del thread.run
        run()

    thread.run = run_once


def submit(original, args, kwargs):
    """Executor.submit(self, fn, ...): the call is made for this request."""
    if context.current() is not None and len(args) > 1:
        args = (args[0], lifecycle.carry(args[1])) + args[2:]
    return original(*args, **kwargs)


ROWS = [
    Row('threading', 'Thread.start', start),
    Row('concurrent.futures.thread', 'ThreadPoolExecutor.submit', submit),
]
