"""The verdict call of block mode: a question, a deadline, an answer or none. Fails open.

Each thread has a connection of its own, so an answer never waits for another's. A question about a request in which
something was found has a longer deadline. After three failures in a row nobody asks for a while, longer each time, up to
a second, unless a late answer shows that the collector is alive: a hung one costs the app a few deadlines, not one per
request.
"""

from __future__ import absolute_import

import atexit
import os
import socket
import weakref

from . import guard, names, native, wire
from .link import Link, hello

FAILURES = 3
PAUSE, LONGEST_PAUSE = 0.05, 1.0
_ANSWERS = (wire.VERDICT, wire.ERROR)


class Verdicts(object):
    """Asks the collector from the threads of this process."""

    def __init__(self, config):
        self._config = config
        self._pid, self._local = os.getpid(), native.Local()
        self.closed = False
        self._failures = 0
        self._closed_until, self._pause = 0.0, PAUSE
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

    def ask(self, body, request):
        """The VERDICT for an encoded ASK about a request as a dict, or None where there was none in time.

        Where the verdict on the question before comes only now, and stops this very request, it is the answer.
        """
        if self.closed or (self._closed_until and self._paused()):
            guard.count('verdicts_skipped')
            return None
        try:
            answer = self._exchange(body, request)
        except (EnvironmentError, wire.WireError):
            answer = None
        if answer is None:
            self._failed()
            return None
        self._alive()
        guard.count('verdicts')
        return answer[1] if answer[0] == wire.VERDICT else None

    @guard.guarded
    def _at_exit(self):
        """No link ends with a thread any more. The interpreter takes threads apart under a lock of its own: code of ours that
        runs there, or gives the GIL away as a socket's end does, may let in a thread that waits for that lock, for ever.
        """
        self.closed = True
        for link in self._open_links():
            link.keep()

    def _hang_up(self):
        for link in self._open_links():
            link.close()

    def _exchange(self, body, request):
        if self._pid != os.getpid():
            self.follow_fork()
        local = self._local
        link = self._link(local)
        began = names.monotonic()
        local.sequence += 1
        answer, said = None, False
        try:
            link.say(wire.ASK, local.sequence, body, self._patience(request))
            said = True
            answer = self._await(link, local, began, request)
        except socket.timeout:
            pass
        except BaseException:
            said = False
            raise
        finally:
            if answer is None:
                self._leave(local, said, request)
        return answer

    def _patience(self, request):
        """Seconds that a verdict on this request may take."""
        suspect = request.judging.suspect
        return self._config.attack_deadline if suspect else self._config.deadline

    def _await(self, link, local, began, request):
        """The next answer; raises socket.timeout when time is up."""
        while True:
            for kind, number, value in link.hear(began + self._patience(request)):
                if kind not in _ANSWERS:
                    continue
                if number == local.sequence:
                    local.owed = None
                    return kind, value
                if self._is_late(local, number, value, request):
                    return kind, value

    def _is_late(self, local, number, value, request):
        """Whether this is the answer to the question before, and stops the same request."""
        if local.owed is None or local.owed[0] != number:
            return False
        (_, asked), local.owed = local.owed, None
        if asked != request.request_id:
            return False
        if value.get('again'):
            request.judging.suspect = True
        if value.get('action') != 'block':
            return False
        local.owed = local.sequence, request.request_id
        return True

    def _leave(self, local, said, request):
        """Nobody waits any longer. The connection stays where its next answer tells that the collector is alive."""
        if said and local.owed is None:
            local.owed = local.sequence, request.request_id
            local.link.owes = True
        elif local.link is not None:
            local.link.close()
            local.link = None

    def _link(self, local):
        """This thread's connection."""
        link = getattr(local, 'link', None)
        if link is not None:
            link.owes = False
            return link
        local.sequence, local.owed = 0, None
        local.link = link = Link(self._config, self._config.deadline)
        self._open_links()
        self._links[id(link)] = weakref.ref(link)
        link.let_go()
        if self.closed:
            link.keep()
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

    def _paused(self):
        """Whether nobody asks: until time is up, or a late answer has come."""
        if names.monotonic() >= self._closed_until:
            return False
        if any(link.owes and link.has_news() for link in self._open_links()):
            self._alive()
            return False
        return True

    def _failed(self):
        guard.count('verdict_timeouts')
        self._failures += 1
        if self._failures >= FAILURES:
            self._closed_until = names.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _alive(self):
        self._failures, self._closed_until, self._pause = 0, 0.0, PAUSE
