"""The handler of asynchronous hooks that are operations: as `operation.around`, with the call awaited."""

from __future__ import absolute_import

import sys

from ..core import context, lifecycle
from .operation import described, ended, quiet


def around_async(describe, finish=None):
    """A handler for a coroutine function; `describe(args, kwargs)` returns an Operation or None."""

    async def handler(original, args, kwargs):
        if context.current() is None or quiet():
            return await original(*args, **kwargs)
        operation = described(describe, args, kwargs)
        if operation is None or lifecycle.operation_start(operation) is None:
            return await original(*args, **kwargs)
        try:
            result = await original(*args, **kwargs)
        except BaseException:
            ended(operation, sys.exc_info()[0])
            raise
        ended(operation, None, finish, args, result)
        return result

    return handler
