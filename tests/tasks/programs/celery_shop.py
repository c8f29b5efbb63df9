"""A shop whose work is done by Celery workers. In the grammar of 2.7."""

import os

from celery import Celery, Task, chain

from tests.matrix.sites import acts

app = Celery('shop', broker=os.environ['REDIS'], backend=os.environ['REDIS'])
app.conf.update(CELERY_TASK_SERIALIZER='json', CELERY_RESULT_SERIALIZER='json', CELERY_ACCEPT_CONTENT=['json'])


class ContextTask(Task):
    """What apps do to have their framework's context in a task."""

    abstract = True

    def __call__(self, *args, **kwargs):
        return self.run(*args, **kwargs)


@app.task(name='shop.run')
def run(argument):
    return acts.run(argument)


@app.task(name='shop.within', base=ContextTask)
def within(argument):
    return acts.run(argument)


@app.task(name='shop.pick')
def pick(names):
    """The first step of a chain: what it returns is the next one's argument."""
    return names[-1]


@app.task(name='shop.fail', bind=True, max_retries=1)
def fail(self, argument):
    try:
        acts.run(argument)
        acts.fail()
    except ValueError as error:
        raise self.retry(exc=error, countdown=0)  # noqa: B904 - no `from` on 2.7


def enqueue(kind, argument):
    """Send it, and wait for what the worker made of it."""
    if kind == 'chain':
        asked = chain(pick.s(['a', argument]), run.s())()
    elif kind == 'own':
        asked = run.apply_async((argument,), headers={'x-shop': 'a'})
    else:
        asked = {'run': run, 'within': within, 'fail': fail}[kind].delay(argument)
    return asked.get(timeout=20)
