"""The handler of asynchronous hooks that are operations: as `operation.around`, with the call awaited."""

from __future__ import absolute_import

import sys

from ..core import context
from .operation import begun, ended


def around_async(describe, finish=None):
    """A handler for a coroutine function; `describe(args, kwargs)` returns an Operation or None."""

    async def handler(original, args, kwargs):
        operation = begun(describe, args, kwargs) if context.current() is not None else None
        if operation is None:
            return await original(*args, **kwargs)
        try:
            result = await original(*args, **kwargs)
        except BaseException:
            ended(operation, sys.exc_info()[0])
            raise
        ended(operation, None, finish, args, result)
        return result

    return handler
