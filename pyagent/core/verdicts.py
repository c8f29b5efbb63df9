"""The verdict call of block mode: a question, a deadline, an answer or none. Fails open.

Each thread has a connection of its own, so an answer never waits for another's. After three failures in a row nobody
asks for a second: a hung collector costs the app three deadlines, not one per request.
"""

from __future__ import absolute_import

import atexit
import os
import weakref

from . import guard, names, native, wire
from .link import Link, hello

FAILURES = 3
PAUSE = 1.0


class Verdicts(object):
    """Asks the collector from the threads of this process."""

    def __init__(self, config):
        self._config = config
        self._pid, self._local = os.getpid(), native.Local()
        self.closed = False
        self._failures = 0
        self._closed_until = 0.0
        self._links = {}
        atexit.register(self._at_exit)

    def close(self):
        """Hang up for every thread; nobody asks any more."""
        names.forget_at_exit(self._at_exit)
        self._at_exit()
        self._hang_up()

    def follow_fork(self):
        """In a new process: leave the parent's connections alone."""
        self._pid, self._local = os.getpid(), native.Local()
        self._hang_up()

    def ask(self, body):
        """The VERDICT for an encoded ASK as a dict, or None where there was none in time."""
        if self.closed or self._closed_until and names.monotonic() < self._closed_until:
            guard.count('verdicts_skipped')
            return None
        try:
            answer = self._exchange(body)
        except (EnvironmentError, wire.WireError):
            answer = None
        if answer is None:
            self._failed()
            return None
        self._failures, self._closed_until = 0, 0.0
        guard.count('verdicts')
        return answer[1] if answer[0] == wire.VERDICT else None

    @guard.guarded
    def _at_exit(self):
        """No thread keeps a link. The interpreter (3.6, at least) takes threads apart under a lock; the __del__ of a link
        there gave way to a thread that wanted this lock for its own end, and both waited for ever.
        """
        self.closed = True
        self._local = native.Local()

    def _hang_up(self):
        for link in self._open_links():
            link.close()

    def _exchange(self, body):
        end = names.monotonic() + self._config.deadline
        if self._pid != os.getpid():
            self.follow_fork()
        local = self._local
        link = self._link(local)
        local.sequence += 1
        left = max(0.001, end - names.monotonic())
        kinds = (wire.VERDICT, wire.ERROR)
        answer = None
        try:
            answer = link.exchange(wire.ASK, local.sequence, body, kinds, left)
        finally:
            if answer is None:
                link.close()
                local.link = None
        return answer

    def _link(self, local):
        """This thread's connection."""
        link = getattr(local, 'link', None)
        if link is not None:
            return link
        local.sequence = 0
        local.link = link = Link(self._config, self._config.deadline)
        self._open_links()
        self._links[id(link)] = weakref.ref(link)
        link.queue(wire.HELLO, 0, wire.encode_body(hello(self._config, 'verdict', 'block')))
        return link

    def _open_links(self):
        """The links of all threads; those of threads that have ended are forgotten. No callback does that: 2.7 crashes
        where one runs at the end of a process that was forked while its threads had links."""
        found = []
        for key, reference in list(self._links.items()):
            link = reference()
            if link is None:
                self._links.pop(key, None)
            else:
                found.append(link)
        return found

    def _failed(self):
        guard.count('verdict_timeouts')
        self._failures += 1
        if self._failures >= FAILURES:
            self._closed_until = names.monotonic() + PAUSE
