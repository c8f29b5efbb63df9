"""The verdict call of block mode: a question, a deadline, an answer or none. Fails open.

A question has its connection for itself, so an answer never waits for another's; where nobody asks they wait for the next
question, whichever thread has it: threads that come and go make none. A question about a request in which something was
found has a longer deadline. After three failures in a row nobody asks for a while, longer each time, up to a second,
unless a late answer shows that the collector is alive: a hung one costs the app a few deadlines, not one per request.
"""

from __future__ import absolute_import

import atexit
import os
import socket

from . import guard, names, wire
from .link import Link, hello

FAILURES = 3
PAUSE, LONGEST_PAUSE = 0.05, 1.0
KEPT = 32
"""Connections that wait for the next question."""

_ANSWERS = (wire.VERDICT, wire.ERROR)


class Line(Link):
    """A connection for questions. `owed`: the number of one that was not answered in time, and its request's id."""

    def __init__(self, config):
        super(Line, self).__init__(config, config.deadline)
        self.sequence, self.owed = 0, None
        self.queue(wire.HELLO, 0, wire.encode_body(hello(config, 'verdict', 'block')))


class Verdicts(object):
    """Asks the collector from the threads of this process; `_lines` are all connections, `_idle` those that nobody uses."""

    def __init__(self, config):
        self._config = config
        self.closed = False
        self._failures = 0
        self._closed_until, self._pause = 0.0, PAUSE
        self._begin()
        atexit.register(self._at_exit)

    def _begin(self):
        self._pid = os.getpid()
        self._lines, self._idle = set(), []

    def close(self):
        """Hang up; nobody asks any more."""
        names.forget_at_exit(self._at_exit)
        self._at_exit()

    def follow_fork(self):
        """In a new process: leave the parent's connections alone."""
        for line in self._lines:
            line.close()
        self._begin()

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
        """What still asks hangs up by itself. Until then a line holds on to itself, so that no thread which the interpreter
        takes apart is the last to let go of it: that happens under a lock, and code of ours that runs there, or gives
        the GIL away as a socket's end does, may let in a thread that waits for that lock, for ever.
        """
        self.closed = True
        self._hang_up()

    def _hang_up(self):
        """Close the lines that nobody uses."""
        while True:
            try:
                self._close(self._idle.pop())
            except IndexError:
                return

    def _exchange(self, body, request):
        if self._pid != os.getpid():
            self.follow_fork()
        began = names.monotonic()
        line = self._idle_line(request)
        if line is not None:
            try:
                return self._asked(line, body, request, began)
            except (EnvironmentError, wire.WireError):
                self._hang_up()  # they led to a collector that is gone; perhaps there is another one
        line = Line(self._config)
        self._lines.add(line)
        return self._asked(line, body, request, began)

    def _idle_line(self, request):
        """The one that owes an answer about this request, else the last that owes none or has it there: behind another's
        answer this question would have to wait, too. None where there is none.
        """
        lines = self._idle[::-1]
        many = len(lines) >= KEPT
        mine = [line for line in lines if line.owed and line.owed[1] == request.request_id]
        for line in mine + [line for line in lines if many or not line.owed or line.has_news()]:
            try:
                self._idle.remove(line)
                return line
            except ValueError:  # another thread has it
                pass
        return None

    def _asked(self, line, body, request, began):
        """The answer on this line, None where there was none in time."""
        line.sequence += 1
        said = useful = False
        try:
            line.say(wire.ASK, line.sequence, body, self._patience(request))
            said = True
            answer = self._await(line, began, request)
            useful = answer[0] == wire.VERDICT
            return answer
        except socket.timeout:
            useful = said and line.owed is None  # its next answer tells that the collector is alive
            line.owed = line.sequence, request.request_id
            return None
        finally:
            self._put_away(line, useful)

    def _put_away(self, line, useful):
        """For the next question, last where it still owes an answer."""
        if not useful or self.closed or len(self._idle) >= KEPT:
            self._close(line)
        elif line.owed is None:
            self._idle.append(line)
        else:
            self._idle.insert(0, line)

    def _close(self, line):
        self._lines.discard(line)
        line.close()

    def _patience(self, request):
        """Seconds that a verdict on this request may take."""
        suspect = request.judging.suspect
        return self._config.attack_deadline if suspect else self._config.deadline

    def _await(self, line, began, request):
        """The next answer; raises socket.timeout when time is up."""
        while True:
            for kind, number, value in line.hear(began + self._patience(request)):
                if kind not in _ANSWERS:
                    continue
                if number == line.sequence:
                    line.owed = None
                    return kind, value
                if self._is_late(line, number, value, request):
                    return kind, value

    def _is_late(self, line, number, value, request):
        """Whether this is the answer to the question before, and stops the same request."""
        if line.owed is None or line.owed[0] != number:
            return False
        (_, asked), line.owed = line.owed, None
        if asked != request.request_id:
            return False
        if value.get('again'):
            request.judging.suspect = True
        if value.get('action') != 'block':
            return False
        line.owed = line.sequence, request.request_id
        return True

    def _paused(self):
        """Whether nobody asks: until time is up, or a late answer has come."""
        if names.monotonic() >= self._closed_until:
            return False
        if any(line.owed and line.has_news() for line in list(self._idle)):
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
