"""FastAPI's dependencies with `yield`: those that run in a worker thread are ended where a request is refused, too.

FastAPI until 0.12x ends them at an Exception alone; others are left to the garbage collector, on whatever thread.
"""

from __future__ import absolute_import

from .asgi_py3 import refusal_in
from .patch import Row


class Refused(Exception):
    """Stands for a refusal where only an Exception gets through."""


class _Dependency(object):
    """The dependency that FastAPI is given."""

    def __init__(self, manager):
        self._manager = manager

    def __enter__(self):
        return self._manager.__enter__()

    def __exit__(self, kind, error, trace):
        if kind is Refused:
            kind, error = type(error.args[0]), error.args[0]
        return self._manager.__exit__(kind, error, trace)


class _InThread(object):
    """What FastAPI made of it."""

    def __init__(self, manager):
        self._manager = manager

    async def __aenter__(self):
        return await self._manager.__aenter__()

    async def __aexit__(self, kind, error, trace):
        if refusal_in(error) is None:
            return await self._manager.__aexit__(kind, error, trace)
        try:
            await self._manager.__aexit__(Refused, Refused(error), trace)
        except Refused:
            pass
        return False


def in_thread(original, args, kwargs):
    """contextmanager_in_threadpool(cm)."""
    if kwargs or len(args) != 1:
        return original(*args, **kwargs)
    return _InThread(original(_Dependency(args[0])))


ROWS = [Row('fastapi.dependencies.utils', 'contextmanager_in_threadpool', in_thread)]
