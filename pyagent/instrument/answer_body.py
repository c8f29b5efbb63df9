"""What a WSGI application returned, on its way to the server.

It is lent a stand-in only where its end could not be seen otherwise; the server still finds in it every method that it
looks for (waitress and gevent ask for the length, wsgiref for the file wrapper).
"""

from __future__ import absolute_import

import atexit

from ..core import blocked, guard
from .failure import Cut
from .proxy import Proxy, class_for


class Body(Proxy):
    """What an app returned, but for lists and files; ends the request when it is closed, or forgotten."""

    __slots__ = ('_cowitness_answer', '_cowitness_accept', '_cowitness_walk')

    def __init__(self, inner, answer, accept):
        Proxy.__init__(self, inner)
        object.__setattr__(self, '_cowitness_answer', answer)
        object.__setattr__(self, '_cowitness_accept', accept)
        object.__setattr__(self, '_cowitness_walk', None)

    def __iter__(self):
        answer = self._cowitness_answer
        answer.size = (
            answer.written
        )  # a server may walk through it twice (gevent, to know its length)
        try:
            parts = iter(self._cowitness_inner)
        except BaseException:
            answer.fail()
            raise
        return _Parts(parts, self)

    def close(self):
        """The server is done."""
        try:
            close = getattr(self._cowitness_inner, 'close', None)
            if close is not None:
                close()
        except blocked.Blocked:  # the answer is out: nothing is left to refuse
            pass
        finally:
            self._cowitness_answer.end()

    def __del__(self):
        try:
            self._cowitness_answer.end()
        except Exception:  # at the interpreter's end there may be nothing left to call
            pass


@guard.guarded
def _at_exit():
    """What is left of answers ends as it would without us: no code of ours runs where the interpreter takes threads apart."""
    del Body.__del__


atexit.register(_at_exit)


class _Parts(object):
    """One walk through a body. A server may walk twice, even at once (gevent does, to know the length)."""

    __slots__ = ('_next', '_body', '_size')

    def __init__(self, parts, body):
        self._next = getattr(parts, '__next__', None) or parts.next
        self._body, self._size = body, body._cowitness_answer.written

    def __iter__(self):
        return self

    def __next__(self):
        try:
            part = self._next()
        except StopIteration:
            if not self._body._cowitness_answer.refused:
                raise
            part = b''
        except blocked.Blocked as error:
            part = self._refused(error)
        except BaseException:
            self._body._cowitness_answer.fail()
            raise
        answer = self._body._cowitness_answer
        if part and not answer.size and answer.request.judging is not None:
            try:
                answer.look_again()
            except blocked.Blocked as error:
                part = self._refused(error)
        if answer.refused:
            part = self._instead()
        try:
            self._size += len(part)
            self._body._cowitness_answer.reach(self._size)
        except Exception:  # what is no bytes is the server's to refuse
            pass
        return part

    next = __next__

    def _refused(self, error):
        """The refusal takes the place of an answer of which nothing is out."""
        answer = self._body._cowitness_answer
        if answer.size:
            answer.fail()
            raise Cut(str(error))
        answer.refused = answer.refuse(error, self._body._cowitness_accept)
        return b''

    def _instead(self):
        """The refusal, and nothing behind it."""
        answer = self._body._cowitness_answer
        refusal, answer.refused = answer.refused, ()
        self._next = iter(()).__next__ if hasattr(iter(()), '__next__') else iter(()).next
        return b''.join(refusal)


def _one(self):
    """For a server that takes a part without asking for a walk."""
    if self._cowitness_walk is None:
        object.__setattr__(self, '_cowitness_walk', _Parts(self._cowitness_inner, self))
    return next(self._cowitness_walk)


_WATCHED = {'__iter__': Body.__iter__, '__next__': _one, 'next': _one}


def stand_in(body, answer, accept):
    """`body`, watched to its end."""
    return class_for(Body, body, _WATCHED)(body, answer, accept)
