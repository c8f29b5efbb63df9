"""The wrapper of a coroutine function, so that whoever asks is told that it is one."""

from __future__ import absolute_import

_APPLICATION = ('self', 'scope', 'receive', 'send')


def async_wrapper(original, handler, on):
    """A coroutine function that awaits `handler(original, args, kwargs)` while `on[0]`."""
    code = getattr(original, '__code__', None)
    if code is not None and code.co_varnames[: code.co_argcount] == _APPLICATION:
        return _application_wrapper(original, handler, on)

    async def wrapper(*args, **kwargs):
        if not on[0]:
            return await original(*args, **kwargs)
        return await handler(original, args, kwargs)

    return wrapper


def _application_wrapper(original, handler, on):
    """With the parameters of an ASGI application: servers try a call without any, to see whether it is a factory."""

    async def wrapper(self, scope, receive, send):
        if not on[0]:
            return await original(self, scope, receive, send)
        return await handler(original, (self, scope, receive, send), {})

    return wrapper
