"""Hooks that carry a request into the threads that it starts and the pools that work for it."""

from __future__ import absolute_import

from ..core import carrying, context, guard
from .patch import Row

_POOLS = ('concurrent.futures.thread',)


def start(original, args, kwargs):
    """threading.Thread.start(self): run for this request; a pool's own worker runs for nobody."""
    if context.current() is not None and args:
        _prepare(args[0])
    return original(*args, **kwargs)


@guard.guarded
def _prepare(thread):
    target, own = getattr(thread, '_target', None), vars(thread).get('run')
    pooled = getattr(target, '__module__', None) in _POOLS
    run = carrying.outside(thread.run) if pooled else carrying.carry(thread.run, anew=True)

    def run_once():
        _restore(thread, own)
        run()

    thread.run = run_once


@guard.guarded
def _restore(thread, own):
    del thread.run
    if own is not None:
        thread.run = own


def submit(original, args, kwargs):
    """Executor.submit(self, fn, ...): the call is made for this request."""
    if context.current() is not None and len(args) > 1:
        args = _carried(args) or args
    return original(*args, **kwargs)


@guard.guarded
def _carried(args):
    return (args[0], carrying.carry(args[1])) + args[2:]


ROWS = [
    Row('threading', 'Thread.start', start),
    Row('concurrent.futures.thread', 'ThreadPoolExecutor.submit', submit),
]
