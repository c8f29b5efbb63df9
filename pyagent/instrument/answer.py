"""A WSGI application's answer on its way to the server: heard, counted, never held.

What the app returns is lent a stand-in only where its end could not be seen otherwise; the server still finds in it
every method that it looks for (waitress and gevent ask for the length, wsgiref for the file wrapper).
"""

from __future__ import absolute_import

import sys
import types

from ..core import asking, blocked, guard, lifecycle
from .failure import Cut, note_failure
from .proxy import Proxy, class_for

_CLASSES = (type, getattr(types, 'ClassType', type))


class Answer(object):
    """Listens to start_response, and to write where an application uses it. `size`: bytes that went to the server, or None."""

    __slots__ = (
        'request', 'status', 'headers', 'size', 'written', 'method', 'accept', 'refused', '_start_response', '_write',
        '_wrap_file', '_file',
    )  # fmt: skip

    def __init__(self, request, start_response, method=''):
        self.request, self._start_response, self.method = request, start_response, method
        self._write = self._wrap_file = self._file = None
        self.status, self.headers, self.size, self.written = 0, (), 0, 0
        self.accept, self.refused = '', None

    def start(self, *args, **kwargs):
        """start_response; a refusal that the app caught, or that is due now, begins in its place."""
        if self.request.judging is not None and not self.status:
            self._look(*args, **kwargs)
        if self.request.refusal is not None and self._insists():
            return self.drop
        write = self._start_response(*args, **kwargs)
        try:
            self._note(*args, **kwargs)
        except Exception:
            guard.swallow('start_response')
        if write is None:
            return None
        self._write = write
        return self.write

    def write(self, data):
        """The server's write. May raise Blocked."""
        if not self.size and self.request.judging is not None:
            self.look_again()
        result = self._write(data)
        self.count(data)
        self.written = self.size
        return result

    @guard.guarded
    def _insists(self):
        if self.refused is None and not self.status:
            self.refused = self.refuse(blocked.unheard(self.request), self.accept)
        return self.refused is not None

    @guard.guarded
    def _look(self, status, headers=(), exc_info=None, response_headers=()):
        """What the app answers is known, and nothing of it is out."""
        asking.at_response(self.request, int(status[:3]), headers or response_headers)

    @guard.guarded
    def look_again(self):
        """The first part of the body is about to go out. May raise Blocked."""
        if self.status and self.refused is None:
            asking.at_first_part(self.request, self.status, self.headers)
            error = blocked.unheard(self.request)
            if error is not None:
                raise error

    def drop(self, data):
        """What the app writes behind a refusal goes nowhere."""

    def _note(self, status, headers=(), exc_info=None, response_headers=()):
        self.status, headers = int(status[:3]), headers or response_headers
        if isinstance(headers, (list, tuple)):  # an iterator is the server's to walk through
            self.headers = list(headers)

    def count(self, data):
        """The server was given `data`."""
        try:
            self.size += len(data)
        except Exception:  # what is no bytes is the server's to refuse
            pass

    def reach(self, size):
        """The server was given so much in all."""
        if size > self.size:
            self.size = size

    def lend_file_wrapper(self, environ):
        """Some servers know what their wrapper made by identity, not by class (uWSGI, mod_wsgi): so must we."""
        wrapper = environ.get('wsgi.file_wrapper')
        if wrapper is not None and not isinstance(wrapper, _CLASSES):
            self._wrap_file = wrapper
            environ['wsgi.file_wrapper'] = self.wrap_file

    def wrap_file(self, *args, **kwargs):
        """The server's file wrapper."""
        self._file = self._wrap_file(*args, **kwargs)
        return self._file

    def is_file(self, body, wrapper):
        """Whether this is what the server sends in a way of its own."""
        if self._file is not None:
            return body is self._file
        return isinstance(wrapper, _CLASSES) and isinstance(body, wrapper)

    def count_file(self):
        """The server sends a file: its size is what the headers say, or unknown."""
        lengths = [value for name, value in self.headers if name.lower() == 'content-length']
        self.size = int(lengths[0]) if lengths and lengths[0].isdigit() else None

    def refuse(self, error, accept, method=''):
        """Begin the refusal in the app's place, while `error` is handled; returns its body."""
        status, headers, body = blocked.response(error, accept, method or self.method)
        if not self._begins(status, headers):
            forget_headers(self._start_response)
            self._begins_again(status, headers, sys.exc_info())
        self.status, self.headers = error.status, headers
        return body

    def _begins(self, status, headers):
        """Whether the app had not begun its answer."""
        try:
            self._start_response(status, headers)
        except Exception:
            return False
        return True

    def _begins_again(self, status, headers, exc_info):
        """The server takes back what the app had begun; where that is out, it raises what it was given."""
        try:
            self._start_response(status, headers, exc_info)
        except blocked.Blocked as error:
            self.fail()
            raise Cut(str(error))
        except BaseException:
            self.fail()
            raise

    @guard.guarded
    def fail(self):
        """The app raised: the server answers with 500, unless the answer is out already."""
        note_failure(self.request)
        if not self.size:
            self.status, self.headers = 500, ()
        self.end()

    @guard.guarded
    def end(self):
        """The answer is out."""
        request = self.request
        if not request.ended:
            request.response_size = self.size
            lifecycle.end(request, self.status, self.headers)


@guard.guarded
def forget_headers(start_response):
    """Where an answer begins again gunicorn adds to its headers, the lengths of both among them: the first are taken off."""
    response = getattr(start_response, '__self__', None)
    if type(response).__module__ == 'gunicorn.http.wsgi' and not response.headers_sent:
        del response.headers[:]
        response.response_length = None


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
