"""The handler of every hook that is an operation: describe, start, call, end."""

from __future__ import absolute_import

import sys

from ..core import context, guard, operations
from .failure import frame_stack

WITH_STACK = ('shell', 'argv', 'url', 'code', 'template', 'deserialize', 'xml')
NESTING = ('url', 'sql', 'code', 'deserialize')


def around(describe, finish=None):
    """A handler; `describe(args, kwargs)` returns a context.Operation, or None for what is of no interest.

    `finish(operation, args, result)` adds what is known after the call.
    """

    def handler(original, args, kwargs):
        operation = begun(describe, args, kwargs) if context.current() is not None else None
        if operation is None:
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException:
            ended(operation, sys.exc_info()[0])
            raise
        ended(operation, None, finish, args, result)
        return result

    return handler


def begun(describe, args, kwargs):
    """The operation that is about to happen; None where it is of no interest, or describing it fails. May raise Blocked.

    It has the app's stack where that matters.
    """
    try:
        if _quiet():
            return None
        operation = describe(args, kwargs)
        if operation is None:
            return None
        if operation.kind in WITH_STACK:
            operation.stack = frame_stack(3)
        return operations.start(operation)
    except Exception:
        guard.swallow('describe ' + getattr(describe, '__name__', ''))
        return None


def _quiet():
    """Whether what happens here is part of an operation, and none of its own. What runs code, URLs and statements have others beneath."""
    outer = context.innermost()
    return outer is not None and outer.kind not in NESTING


def ended(operation, error, finish=None, args=(), result=None):
    """The call returned, or raised `error` (a class)."""
    _finish(operation, error, finish, args, result)
    operations.end(operation, error)


@guard.guarded
def _finish(operation, error, finish, args, result):
    if finish is not None:
        finish(operation, args, result)
    if error is not None and not operation.stack:
        operation.stack = frame_stack(4)
