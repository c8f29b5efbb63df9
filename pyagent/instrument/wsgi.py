"""WSGI, under every framework: a request begins when the application is called and ends when its answer is closed.

The body is never read by us: `wsgi.input` is lent a tee that keeps a copy of what the app reads. Answers that a server
treats specially (lists, tuples, its own file wrapper) go through untouched; others in a wrapper that closes them.
"""

from __future__ import absolute_import

import sys

from ..core import blocked, context, guard, lifecycle
from .body import tee
from .failure import note_failure
from .patch import Row

KEY = 'cowitness.request'


def call(application, environ, start_response, framework=''):
    """Serve one request under the agent; nested applications share one request."""
    if KEY in environ:
        _inner(environ[KEY], framework)
        return application(environ, start_response)
    try:
        request = lifecycle.begin(environ)
    except blocked.Blocked as error:
        return _refuse(context.current(), error, environ, start_response)
    if request is None:
        return application(environ, start_response)
    request.framework = framework
    _prepare(environ, request)
    answer = _Answer(request, start_response)
    try:
        body = application(environ, answer.start)
    except blocked.Blocked as error:
        return _refuse(request, error, environ, start_response)
    except BaseException:
        _failed(request)
        raise
    return _finish(request, answer, body, environ)


@guard.guarded
def _inner(request, framework):
    if framework and not request.ended:
        request.framework = framework


@guard.guarded
def _prepare(environ, request):
    environ[KEY] = request
    length = environ.get('CONTENT_LENGTH')
    if (length and length != '0') or environ.get('HTTP_TRANSFER_ENCODING'):
        if environ.get('wsgi.input') is not None:
            environ['wsgi.input'] = tee(environ['wsgi.input'], request)


@guard.guarded
def _failed(request):
    note_failure(request)
    lifecycle.end(request, 500)


def _refuse(request, error, environ, start_response):
    """Answer in the app's place."""
    status, headers, body = blocked.response(error, environ.get('HTTP_ACCEPT', ''))
    try:
        start_response(status, headers)
    except Exception:  # the app had begun its answer: the server knows how to end it
        start_response(status, headers, sys.exc_info())
    if request is not None:
        lifecycle.end(request, error.status, headers)
    return body


def _finish(request, answer, body, environ):
    kind = type(body)
    wrapper = environ.get('wsgi.file_wrapper')
    special = isinstance(wrapper, type) and isinstance(body, wrapper)
    if special or kind is list or kind is tuple:
        lifecycle.end(request, answer.status, answer.headers)
        return body
    return _Body(body, request, answer)


class _Answer(object):
    """Listens to start_response."""

    __slots__ = ('request', '_start_response', 'status', 'headers')

    def __init__(self, request, start_response):
        self.request, self._start_response = request, start_response
        self.status, self.headers = 0, ()

    def start(self, status, headers, *exc_info):
        try:
            self.status, self.headers = int(status[:3]), list(headers)
        except Exception:
            guard.swallow('start_response')
        return self._start_response(status, headers, *exc_info)


class _Body(object):
    """The answer's iterable; ends the request when it is closed, or forgotten."""

    __slots__ = ('_body', '_request', '_answer', '_next')

    def __init__(self, body, request, answer):
        self._body, self._request, self._answer = body, request, answer
        self._next = None

    def __iter__(self):
        return self

    def __next__(self):
        if self._next is None:
            iterator = iter(self._body)
            self._next = getattr(iterator, '__next__', None) or iterator.next
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException:
            _failed(self._request)
            raise

    next = __next__

    def __getattr__(self, name):
        return getattr(self._body, name)

    def close(self):
        try:
            if hasattr(self._body, 'close'):
                self._body.close()
        finally:
            self._end()

    def _end(self):
        lifecycle.end(self._request, self._answer.status, self._answer.headers)

    def __del__(self):
        if not self._request.ended:
            self._end()


def wrap(application, framework=''):
    """A WSGI application under the agent, for people who want it explicit."""

    def wrapped(environ, start_response):
        return call(application, environ, start_response, framework)

    return wrapped


def application_method(framework):
    """A handler for `Class.__call__(self, environ, start_response)`."""

    def handler(original, args, kwargs):
        if kwargs or len(args) != 3:
            return original(*args, **kwargs)
        app, environ, start_response = args

        def bound(environ, start_response):
            return original(app, environ, start_response)

        return call(bound, environ, start_response, framework)

    return handler


def served_application(original, args, kwargs):
    """A handler for wsgiref's BaseHandler.run(self, application)."""
    if len(args) == 2:
        args = (args[0], wrap(args[1]))
    return original(*args, **kwargs)


def loaded_application(original, args, kwargs):
    """A handler for what returns the application that a server is going to call."""
    return wrap(original(*args, **kwargs))


ROWS = [
    Row('wsgiref.handlers', 'BaseHandler.run', served_application),
    Row('gunicorn.app.base', 'BaseApplication.wsgi', loaded_application),
]
