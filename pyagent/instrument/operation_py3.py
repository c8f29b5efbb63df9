"""The handler of asynchronous hooks that are operations: as `operation.around`, with the call awaited."""

from __future__ import absolute_import

import sys

from ..core import context, lifecycle
from .operation import described, quiet


def around_async(describe):
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
            lifecycle.operation_end(operation, sys.exc_info()[0])
            raise
        lifecycle.operation_end(operation)
        return result

    return handler
