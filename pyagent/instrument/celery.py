"""Celery 3.1 and later, every pool: a task is a request. The unit is all that a worker does for the task, the sending of
what follows it in a chain included; tasks that run at once where they are called are part of who called them.
"""

from __future__ import absolute_import

import sys

from ..core import guard
from . import patch, tasks
from .patch import Row
from .wrappers import accepts

CONTROL = ('Retry', 'Ignore', 'Reject', 'TaskPredicate', 'RetryTaskError')
_MISSING = object()


def built(original, args, kwargs):
    """build_tracer(name, task, ...): returns what a worker calls for each message of the task."""
    if len(args) < 2:
        return original(*args, **kwargs)
    replaced = _replace_run(args[1])
    try:
        tracer = original(*args, **kwargs)
    finally:
        _put_back(replaced)
    return _traced(args[0], tracer)


@guard.guarded
def _replace_run(task):
    """Put a function of ours in the place of the task's for the tracer to take; returns how it was."""
    if _custom_call(task):
        return None
    before = vars(task).get('run', _MISSING)
    task.run = _run(task.run)
    return task, before


@guard.guarded
def _put_back(replaced):
    if replaced is not None:
        task, before = replaced
        if before is _MISSING:
            del task.run
        else:
            task.run = before


@guard.guarded
def _custom_call(task):
    """Whether the task's class has a `__call__` of its own, which is what is called then: it is hooked."""
    if not sys.modules['celery.app.trace'].task_has_custom(task, '__call__'):
        return False
    owner = next(kind for kind in type(task).__mro__ if '__call__' in vars(kind))
    patch.install(Row('%s.%s' % (owner.__module__, owner.__name__), '__call__', called), owner)
    return True


def called(original, args, kwargs):
    """A task class's own `__call__`."""
    return tasks.call(original, args, kwargs, CONTROL)


def _run(function):
    def run(*args, **kwargs):
        return tasks.call(function, args, kwargs, CONTROL)

    return run


def _traced(name, tracer):
    """`tracer(uuid, args, kwargs, request)` within a request."""

    def trace_task(uuid, args, kwargs, request=None, *more, **options):
        unit = _begin(name, uuid, args, kwargs, request)
        try:
            return tracer(uuid, args, kwargs, request, *more, **options)
        finally:
            tasks.end(unit)

    return trace_task


@guard.guarded
def _begin(name, uuid, args, kwargs, request):
    message = dict(request or {})
    carrier = dict(message, **(message.get('headers') or {}))
    where = message.get('delivery_info') or {}
    queue = where.get('routing_key') or where.get('exchange') or ''
    return tasks.begin('celery', name, queue, uuid, args, kwargs, carrier)


def sent(original, args, kwargs):
    """Celery.send_task(self, name, ..., headers=None): apply_async comes here too."""
    headers = tasks.told(kwargs.get('headers'))
    if headers is not kwargs.get('headers') and accepts(original, 'headers'):
        kwargs = dict(kwargs, headers=headers)
    return original(*args, **kwargs)


ROWS = [
    Row('celery.app.base', 'Celery.send_task', sent),
    Row('celery.app.trace', 'build_tracer', built),
    Row('celery.worker.consumer.consumer', 'build_tracer', built),
    Row('celery.worker.consumer', 'build_tracer', built),
]
