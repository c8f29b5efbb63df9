"""Tasks as requests: arguments as a body of JSON within limits, nothing of theirs called, one unit within another."""

from __future__ import absolute_import

import json

from pyagent.core import context, lifecycle
from pyagent.instrument import tasks

from .support import AgentCase, environ

PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


class Loud(object):
    """Whoever asks it for its words is told off."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        raise AssertionError('repr was called')

    __str__ = __getattr__ = __iter__ = __repr__


class Tasks(AgentCase):
    def serve(self, args=(), kwargs=None, carrier=None, work=lambda: None):
        """The end record of a task in which `work()` is called."""
        unit = tasks.begin('celery', 'shop.run', 'mail', 'id-1', args, kwargs, carrier)
        try:
            tasks.call(work, (), {})
        finally:
            tasks.end(unit)
        return self.ended()

    def test_the_record(self):
        """Name, queue, trace and arguments; no method, path or status."""
        record = self.serve(['a'], {'b': 1}, {'Traceparent': PARENT})
        self.assertEqual((record['framework'], record['route']), ('celery', 'shop.run'))
        self.assertEqual(record['messaging']['destination_name'], 'mail')
        self.assertEqual(json.loads(record['body']), {'args': ['a'], 'kwargs': {'b': 1}})
        self.assertEqual(record['headers'], [['content-type', 'application/json']])
        self.assertEqual((record['trace_id'], record['parent_span_id']), tuple(PARENT.split('-')[1:3]))
        self.assertEqual((record['method'], record['path'], record['status']), ('', '', 0))

    def test_objects(self):
        """They are taken apart by their attributes; nothing of theirs is called."""
        record = self.serve([Loud('x;id'), (1.5, None, True), b'\xff', {2: {'deep'}}, len])
        args = [{'name': 'x;id'}, ['1.5', None, True], u'\ufffd', {'2': ['deep']}, None]
        self.assertEqual(json.loads(record['body'])['args'], args)

    def test_limits(self):
        """Long, many and endless arguments: the body stays JSON, and says that it was cut."""
        endless = []
        endless.append(endless)
        for args in (['x' * 10 ** 6], [list(range(10 ** 5))], endless, [dict((i, i) for i in range(10 ** 4))]):
            self.listener.frames[:] = []
            record = self.serve(args)
            self.assertTrue(record['body_truncated'])
            self.assertLess(len(record['body']), 131072)
            json.loads(record['body'])

    def test_within_another(self):
        """A task that runs where it is called is part of that request."""
        request = lifecycle.begin(environ())
        self.assertIsNone(tasks.begin('celery', 'shop.run', '', '', (), {}, {}))
        tasks.end(None)
        self.assertIs(context.current(), request)
        lifecycle.end(request, 200)

    def test_what_it_raises(self):
        """Goes to the worker, and on the record, unless it only steers the worker."""

        class Retry(Exception):
            pass

        def work(error):
            raise error

        for error, told in ((ValueError('no'), 'ValueError'), (Retry(), None)):
            self.listener.frames[:] = []
            unit = tasks.begin('celery', 'shop.run', '', '', (), {}, None)
            with self.assertRaises(type(error)):
                tasks.call(work, (error,), {}, ('Retry',))
            tasks.end(unit)
            self.assertEqual((self.ended().get('exception') or {}).get('type'), told)

    def test_headers_of_a_message(self):
        """Within a request a copy has the trace on; what the app has set stays; outside nothing is touched."""
        given = {'x-shop': 'a'}
        self.assertIs(tasks.told(given), given)
        request = lifecycle.begin(environ())
        told = tasks.told(given)
        self.assertEqual(given, {'x-shop': 'a'})
        self.assertEqual(told['traceparent'].split('-')[2], request.request_id)
        self.assertIs(tasks.told(told), told)
        self.assertIn('traceparent', tasks.told(None))
        lifecycle.end(request, 200)
        self.assertEqual(self.ended()['sent_span_ids'], [request.request_id])


class Refused(AgentCase):
    mode = 'block'
    verdict = {'action': 'block', 'status': 403}

    def test_an_error_that_queues_know(self):
        """The code is not called; the record says that it was refused, and was asked for with the arguments."""
        unit, called = tasks.begin('rq', 'shop.run', '', '', ('x;id',), {}, {}), []
        with self.assertRaises(RuntimeError):
            tasks.call(called.append, (1,), {})
        tasks.end(unit)
        self.assertEqual((called, self.ended()['blocked']['where']), ([], 'request'))
        self.assertIn('x;id', self.listener.bodies(3)[0]['request']['body'])


class Off(AgentCase):
    mode = 'off'

    def test_nothing(self):
        """With the agent off a task is just called."""
        unit = tasks.begin('rq', 'shop.run', '', '', (), {}, {})
        self.assertIsNone(unit)
        self.assertEqual(tasks.call(lambda: 5, (), {}), 5)
        tasks.end(unit)
