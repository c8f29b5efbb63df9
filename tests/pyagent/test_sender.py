"""The agent's thread: begun once, outside of requests, and gone when it is let go."""

from __future__ import absolute_import

import threading

from pyagent.core import context, facts, native
from pyagent.core.sender import Sender

from .support import Case, wait_for


class Sending(Case):
    def setUp(self):
        super(Sending, self).setUp()
        self.turns, self.ended = [], threading.Event()
        self.sender = Sender(self.turn)
        self.started, real = 0, native.start_thread
        self.addCleanup(setattr, native, 'start_thread', real)

        def start(run, arguments):
            self.started += 1
            return real(lambda: (run(*arguments), self.ended.set()), ())

        native.start_thread = start

    def turn(self):
        self.turns.append(context.current())
        return 0.01

    def test_it_is_begun_once(self):
        """However often it is woken there is one thread, which goes on by itself, outside of any request."""
        context.enter('a request')
        self.addCleanup(context.enter, None)
        for _ in range(3):
            self.sender.wake()
        self.assertTrue(wait_for(lambda: len(self.turns) > 3))
        self.assertEqual((self.started, set(self.turns), context.current()), (1, set([None]), 'a request'))
        self.sender.end()
        self.assertTrue(self.ended.wait(20))

    def test_it_stays_where_the_process_ends(self):
        """Where late threads run on it does not end with the process, nor where the names around it are gone."""
        self.addCleanup(setattr, facts, 'ENDS_LATE_THREADS', facts.ENDS_LATE_THREADS)
        facts.ENDS_LATE_THREADS = False
        self.sender.wake()
        self.assertTrue(wait_for(lambda: self.turns))
        self.sender.end(with_process=True)
        self.assertFalse(self.ended.wait(0.3))

    def test_what_is_let_go_does_not_begin(self):
        """Nobody starts a thread after the end."""
        self.sender.end()
        self.sender.wake()
        self.assertEqual(self.started, 0)
