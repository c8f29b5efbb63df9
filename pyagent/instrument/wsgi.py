"""WSGI, under every framework: a request begins when the application is called and ends when its answer is closed.

The body is never read by us: `wsgi.input` is lent a tee that keeps a copy of what the app reads. Answers that a server
treats specially (lists, tuples, bytes, its own file wrapper) go through untouched; others in a stand-in that closes them.
"""

from __future__ import absolute_import

import sys
from functools import partial

from ..core import blocked, context, guard, lifecycle
from .answer import Answer
from .answer_body import stand_in
from .body import tee

KEY = 'cowitness.request'
_AT_ONCE = (list, tuple, bytes)
_BODILESS = frozenset(('GET', 'HEAD', 'OPTIONS', 'TRACE'))


def call(application, environ, start_response, framework=''):
    """Serve one request under the agent; nested applications share one request."""
    try:
        answer = _begin(environ, start_response, framework)
    except blocked.Blocked as error:
        return _refuse(Answer(context.current(), start_response), error, environ)
    if answer is None:
        return application(environ, start_response)
    try:
        body = application(environ, answer.start)
        if answer.request.judging is not None and not answer.size and type(body) in _AT_ONCE:
            answer.look_again()
        if answer.request.refusal is not None:
            body = _insist(answer, body)
    except blocked.Blocked as error:
        return _refuse(answer, error, environ)
    except BaseException:
        error = _unheard(answer)
        if error is not None:
            return _refuse(answer, error, environ)
        answer.fail()
        raise
    return _finish(answer, body, environ)


@guard.guarded
def _begin(environ, start_response, framework):
    """What listens to the answer; None where the request is another's already, or nobody's. May raise Blocked."""
    serving = environ.get(KEY) or _around()
    if serving is not None and not serving.ended:
        serving.framework = framework or serving.framework
        return None
    answer = Answer(None, start_response, environ.get('REQUEST_METHOD'))
    request = answer.request = lifecycle.begin(environ)
    if request is None:
        return None
    request.framework = framework
    _prepare(environ, request, answer)
    return answer


def _around():
    """The request of a server that is no WSGI server, and calls an application all the same."""
    serving = context.current()
    return serving if serving is not None and serving.server else None


@guard.guarded
def _prepare(environ, request, answer):
    environ[KEY], answer.accept = request, environ.get('HTTP_ACCEPT', '')
    answer.lend_file_wrapper(environ)
    if may_have_body(environ) and environ.get('wsgi.input') is not None:
        environ['wsgi.input'] = tee(environ['wsgi.input'], request)


def may_have_body(environ):
    """Whether this request announces a body, or may have one."""
    length = environ.get('CONTENT_LENGTH')
    if length:
        return length != '0'
    return 'HTTP_TRANSFER_ENCODING' in environ or environ.get('REQUEST_METHOD') not in _BODILESS


def _insist(answer, body):
    """The app caught the refusal, and answers in spite of it: what goes out instead. May raise Blocked."""
    error = _unheard(answer) if answer.refused is None else None
    if error is None and not answer.refused:
        return body
    _close(body)
    if error is not None:
        raise error
    return answer.refused


@guard.guarded
def _unheard(answer):
    """A refusal that is told still; not where a part of the app's answer is out, or where the process ends."""
    over = sys.exc_info()[1]
    if answer.size or (over is not None and not isinstance(over, Exception)):
        return None
    return blocked.unheard(answer.request)


@guard.guarded
def _close(body):
    if hasattr(body, 'close'):
        body.close()


def _refuse(answer, error, environ):
    """Answer in the app's place."""
    body = answer.refuse(error, environ.get('HTTP_ACCEPT', ''), environ.get('REQUEST_METHOD'))
    if answer.request is not None:
        _count(answer, body)
        answer.end()
    return body


def _finish(answer, body, environ):
    """What the server gets for what the application returned."""
    try:
        kind = type(body)
        if kind is list or kind is tuple:
            _count(answer, body)
        elif kind is bytes:  # wrong, but served by some in one piece
            _count(answer, (body,))
        elif answer.is_file(body, environ.get('wsgi.file_wrapper')):
            answer.count_file()
        else:
            return stand_in(body, answer, environ.get('HTTP_ACCEPT', ''))
    except Exception:
        guard.swallow('answer')
    answer.end()
    return body


def _count(answer, parts):
    for part in parts:
        answer.count(part)


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
        return call(partial(original, app), environ, start_response, framework)

    return handler
