"""The verdict call: what is left of it at the end of a process."""

from __future__ import absolute_import

import threading
import weakref

from pyagent.core import lifecycle

from .support import AgentCase, environ

class Ends(AgentCase):
    mode = 'block'
    verdict = {'action': 'allow', 'findings': []}

    def test_nobody_asks_after_the_end(self):
        """A thread that goes on when the agent has stopped gets no answer, and makes no link."""
        lifecycle.end(lifecycle.begin(environ()), 200)
        self.agent.verdicts.close()
        self.assertEqual([self.agent.verdicts.ask({}, None) for _ in range(2)], [None, None])

    def test_no_thread_is_the_last_to_hold_a_link(self):
        """Where the interpreter takes its threads apart, no link ends; before that it ends with its thread."""
        seen = []

        def ask():
            lifecycle.end(lifecycle.begin(environ()), 200)
            seen.extend(weakref.ref(link) for link in self.agent.verdicts._open_links())

        for at_exit, stays in ((lambda: None, False), (self.agent.verdicts._at_exit, True)):
            thread = threading.Thread(target=lambda: (ask(), at_exit()))
            thread.start()
            thread.join()
            self.assertEqual(seen.pop()() is not None, stays)
            self.agent.verdicts.closed = False
