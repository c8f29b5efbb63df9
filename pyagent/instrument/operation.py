"""The handler of every hook that is an operation: describe, start, call, end."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle
from .failure import frame_stack

WITH_STACK = ('shell', 'argv', 'url')
NESTING = ('url', 'sql')


def around(describe, finish=None):
    """A handler; `describe(args, kwargs)` returns a context.Operation, or None for what is of no interest.

    `finish(operation, args, result)` adds what is known after the call.
    """

    def handler(original, args, kwargs):
        request = context.current()
        if request is None or quiet():
            return original(*args, **kwargs)
        operation = described(describe, args, kwargs)
        if operation is None or lifecycle.operation_start(operation) is None:
            return original(*args, **kwargs)
        return _call(operation, finish, original, args, kwargs)

    return handler


def quiet():
    """Whether what happens here is part of an operation, and none of its own. URLs and statements have others beneath."""
    outer = context.innermost()
    return outer is not None and outer.kind not in NESTING


def described(describe, args, kwargs):
    """What `describe` says, with the app's stack where that matters; None where it fails."""
    try:
        operation = describe(args, kwargs)
        if operation is not None and operation.kind in WITH_STACK:
            operation.stack = frame_stack(3)
        return operation
    except Exception:
        guard.swallow('describe ' + describe.__name__)
        return None


def _call(operation, finish, original, args, kwargs):
    try:
        result = original(*args, **kwargs)
    except BaseException:
        ended(operation, sys.exc_info()[0])
        raise
    ended(operation, None, finish, args, result)
    return result


def ended(operation, error, finish=None, args=(), result=None):
    """The call returned, or raised `error` (a class)."""
    try:
        if finish is not None:
            finish(operation, args, result)
        if error is not None and not operation.stack:
            operation.stack = frame_stack(3)
    except Exception:
        guard.swallow('after ' + operation.system)
    lifecycle.operation_end(operation, error)
