"""The handler of every hook that is an operation: describe, start, call, end."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle
from .patch import frame_stack

WITH_STACK = ('shell', 'argv', 'url')


def around(describe):
    """A handler; `describe(args, kwargs)` returns a context.Operation, or None for what is of no interest."""

    def handler(original, args, kwargs):
        request = context.current()
        if request is None or request.depth:
            return original(*args, **kwargs)
        operation = _described(describe, args, kwargs)
        if operation is None or lifecycle.operation_start(operation) is None:
            return original(*args, **kwargs)
        return _call(operation, original, args, kwargs)

    return handler


def quiet(request, function, *args, **kwargs):
    """Call `function`; what it does beneath is no operation of its own."""
    request.depth += 1
    try:
        return function(*args, **kwargs)
    finally:
        request.depth -= 1


def _described(describe, args, kwargs):
    try:
        operation = describe(args, kwargs)
        if operation is not None and operation.kind in WITH_STACK:
            operation.stack = frame_stack(3)
        return operation
    except Exception:
        guard.swallow('describe ' + describe.__name__)
        return None


def _call(operation, original, args, kwargs):
    request = operation.request
    nested = operation.kind in ('url', 'sql')
    try:
        if nested:
            result = original(*args, **kwargs)
        else:
            result = quiet(request, original, *args, **kwargs)
    except BaseException:
        lifecycle.operation_end(operation, sys.exc_info()[0])
        raise
    lifecycle.operation_end(operation)
    return result
