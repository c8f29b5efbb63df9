"""A shop whose work is done by RQ's work horses."""

import os
import time

import redis
from rq import Queue

from tests.matrix.sites import acts


class Order:
    """An argument that is no plain value."""

    def __init__(self, name):
        self.name = name


def run(argument):
    return acts.run(argument)


def ship(order, note=''):
    return acts.run(order.name)


def fail(argument):
    acts.run(argument)
    acts.fail()


def enqueue(kind, argument):
    """Send it, and wait for what the worker made of it."""
    queue = Queue('mail', connection=redis.Redis.from_url(os.environ['REDIS']))
    argument = Order(argument) if kind == 'ship' else argument
    job = queue.enqueue({'run': run, 'ship': ship, 'fail': fail}[kind], argument, meta={'shop': 'a'})
    end = time.time() + 20
    while time.time() < end:
        state = job.get_status()
        if str(getattr(state, 'value', state)) in ('finished', 'failed'):
            break
        time.sleep(0.02)
    if kind == 'fail' or job.latest_result() is None or job.latest_result().return_value is None:
        raise RuntimeError(str(job.latest_result() and job.latest_result().exc_string))
    return job.latest_result().return_value
