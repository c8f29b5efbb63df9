"""RQ: a job is a request. Its trace travels in `job.meta`; a work horse ends without further ado, so all is sent before."""

from __future__ import absolute_import

from ..core import agent as agents
from ..core import context, guard
from . import tasks
from .patch import Row


def performed(original, args, kwargs):
    """Job.perform(self)."""
    unit = _begin(args)
    if unit is None:
        return original(*args, **kwargs)
    try:
        return tasks.call(original, args, kwargs)
    finally:
        tasks.end(unit)
        _flush()


@guard.guarded
def _begin(args):
    job = args[0]
    return tasks.begin('rq', job.func_name, job.origin, job.id, job.args, job.kwargs, job.meta)


@guard.guarded
def _flush():
    if agents.get() is not None:
        agents.get().stream.flush()


def enqueued(original, args, kwargs):
    """Queue.enqueue_job(self, job, ...) and schedule_job(self, job, ...): the job is saved in there."""
    if context.current() is not None and len(args) > 1:
        _tell(args[1])
    return original(*args, **kwargs)


@guard.guarded
def _tell(job):
    job.meta.update(tasks.told(job.meta) or {})


ROWS = [
    Row('rq.job', 'Job.perform', performed),
    Row('rq.queue', 'Queue.enqueue_job', enqueued),
    Row('rq.queue', 'Queue._enqueue_job', enqueued),
    Row('rq.queue', 'Queue.schedule_job', enqueued),
]
