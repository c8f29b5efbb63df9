"""The verdict call: its connections, and what is left of them at the end of a process."""

from __future__ import absolute_import

import gc
import threading
import weakref

from pyagent.core import asking, blocked, guard, lifecycle, wire

from .support import AgentCase, Listener, environ


def serve():
    lifecycle.end(lifecycle.begin(environ()), 200)


def in_threads(count, together=True):
    """Serve a request in each of so many threads, at the same time or one after the other."""
    threads = [threading.Thread(target=serve) for _ in range(count)]
    for thread in threads:
        thread.start()
        if not together:
            thread.join()
    for thread in threads:
        thread.join()


class Lines(AgentCase):
    mode = 'block'

    def verdict(self, body):
        """Once so many have asked as are to."""
        with self.asked:
            self.count += 1
            self.asked.notify_all()
            while self.count < self.expected:
                self.asked.wait(10)
        return {'action': 'allow', 'findings': []}

    def setUp(self):
        self.asked, self.count, self.expected = threading.Condition(), 0, 0
        super(Lines, self).setUp()

    def greeted(self):
        return len([1 for body in self.listener.bodies(wire.HELLO) if body['role'] == 'verdict'])

    def test_threads_that_come_and_go_make_none(self):
        """One thread after the other asks on the same connection."""
        in_threads(7, together=False)
        self.assertEqual((self.count, self.greeted()), (7, 1))

    def test_who_asks_at_the_same_time_has_its_own(self):
        """No question waits for the answer to another; later ones find these connections."""
        self.expected = 5
        in_threads(5)
        in_threads(3, together=False)
        self.assertEqual((self.count, self.greeted()), (8, 5))

    def test_the_next_collector_is_asked_at_once(self):
        """Connections that led to one that is gone cost no verdict."""
        before = dict(guard.counters)
        self.expected = 3
        in_threads(3)
        self.listener.hang_up()
        self.listener = Listener(self.directory, self.verdict)
        self.addCleanup(self.listener.hang_up)
        serve()
        self.assertEqual((self.count, self.greeted()), (4, 1))
        self.assertEqual(guard.counters['verdicts'] - before.get('verdicts', 0), 4)
        self.assertEqual(guard.counters.get('verdict_timeouts'), before.get('verdict_timeouts'))


class Late(AgentCase):
    mode = 'block'
    deadline = 100

    def verdict(self, body):
        """The first question is answered when it is too late, and stops its request."""
        if body['request']['path'] != '/late':
            return {'action': 'allow', 'findings': []}
        self.late.wait(10)
        return {'action': 'block', 'status': 403, 'findings': []}

    def setUp(self):
        self.late = threading.Event()
        super(Late, self).setUp()

    def test_a_late_answer_stops_the_request_that_it_is_about(self):
        """Others that ask meanwhile neither wait behind it nor take it away."""
        request = lifecycle.begin(environ('/late'))
        self.assertEqual((request.judging.in_vain, request.blocked), (1, None))
        others = [threading.Thread(target=serve) for _ in range(3)]
        for thread in others:
            thread.start()
            thread.join()
        self.assertEqual(len(self.listener.bodies(wire.ASK)), 4)
        self.late.set()
        self.assertRaises(blocked.Blocked, asking.ask, self.agent, request, None, 'route')
        lifecycle.end(request, 403)


class Ends(AgentCase):
    mode = 'block'
    verdict = {'action': 'allow', 'findings': []}

    def test_nobody_asks_after_the_end(self):
        """A thread that goes on when the agent has stopped gets no answer, and makes no link."""
        serve()
        self.agent.verdicts.close()
        self.assertEqual([self.agent.verdicts.ask({}, None) for _ in range(2)], [None, None])

    def test_no_thread_is_the_last_to_hold_a_link(self):
        """Where the interpreter takes its threads apart, no link ends: until it is closed it holds on to itself."""
        serve()
        line = self.agent.verdicts._idle.pop()
        self.agent.verdicts._lines.discard(line)
        seen = weakref.ref(line)
        del line
        self.assertIsNotNone(seen())
        seen().close()
        gc.collect()
        self.assertIsNone(seen())
