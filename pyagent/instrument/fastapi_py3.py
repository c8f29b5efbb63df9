"""FastAPI's dependencies with `yield`: those that run in a worker thread are ended where a request is refused, too.

FastAPI has long ended them at an Exception alone, and left them to the garbage collector, on any thread, at all else.
"""

from __future__ import absolute_import

from ..core import guard
from .asgi_py3 import refusal_in
from .patch import Row


class Refused(Exception):
    """Stands for a refusal where only an Exception gets through."""


class _Dependency(object):
    """The dependency that FastAPI is given."""

    def __init__(self, manager):
        self._cowitness_inner = manager

    def __enter__(self):
        return self._cowitness_inner.__enter__()

    def __exit__(self, kind, error, trace):
        if kind is Refused:
            kind, error = type(error.args[0]), error.args[0]
        return self._cowitness_inner.__exit__(kind, error, trace)


class _InThread(object):
    """What FastAPI made of it."""

    def __init__(self, manager):
        self._cowitness_inner = manager

    async def __aenter__(self):
        return await self._cowitness_inner.__aenter__()

    async def __aexit__(self, kind, error, trace):
        if refusal_in(error) is None:
            return await self._cowitness_inner.__aexit__(kind, error, trace)
        try:
            await self._cowitness_inner.__aexit__(Refused, Refused(error), trace)
        except Refused:
            pass
        return False


def in_thread(original, args, kwargs):
    """contextmanager_in_threadpool(cm)."""
    lent = _lent(args, kwargs)
    return original(*args, **kwargs) if lent is None else _InThread(original(lent))


@guard.guarded
def _lent(args, kwargs):
    return _Dependency(args[0]) if len(args) == 1 and not kwargs else None


ROWS = [Row('fastapi.dependencies.utils', 'contextmanager_in_threadpool', in_thread)]
