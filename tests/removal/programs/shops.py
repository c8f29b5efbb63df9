"""Applications of the fault tests: the same acts in plain WSGI, Flask and Django, and what is asked of them.

In the grammar of 2.7.
"""

from __future__ import absolute_import

import io
import logging
import sys

from tests.pyagent.support import environ
from tests.removal.programs import acts

try:
    import flask
    import flask_login
except ImportError:
    flask = None
try:
    import django
except ImportError:
    django = None

logging.disable(logging.CRITICAL)
BODY = b'name=<script>&card=1' * 3


def ask(application, path, query='', body=b'', **more):
    """[status, headers, body or the error that it broke off with] as a server would have got them."""
    started, parts = [], []

    def start_response(status, headers, exc_info=None):
        started[:] = [status, sorted(h for h in headers if h[0] not in ('Set-Cookie', 'Date'))]
        return parts.append

    given = environ(path, query, **dict({'wsgi.input': io.BytesIO(body), 'wsgi.errors': sys.stderr}, **more))
    if body:
        given.update(REQUEST_METHOD='POST', CONTENT_LENGTH=str(len(body)))
    try:
        answer = application(given, start_response)
        try:
            for part in answer:
                parts.append(part)
        finally:
            if hasattr(answer, 'close'):
                answer.close()
    except Exception as error:
        parts.append('%s: %s' % (type(error).__name__, error))
    return started + parts


class Wrapper(object):
    """A server's own file wrapper."""

    def __init__(self, file, size=8192):
        self.file = file

    def __iter__(self):
        return iter(self.file.read, b'')

    def close(self):
        acts.DONE.append('closed')


def plain(environ, start_response):
    """The WSGI application."""
    name = environ['PATH_INFO'].strip('/')
    text = getattr(acts, name, lambda: name)()
    headers = [('Content-Type', 'text/plain')]
    if name == 'write':
        start_response('200 OK', headers)(b'written')
        return []
    start_response('200 OK', headers)
    if name in _ANSWERS:
        return _ANSWERS[name](environ)
    return [text.encode('utf-8')]


def _breaking(environ):
    yield b'one'
    raise ValueError('the answer broke off')


def _reading(environ):
    stream = environ['wsgi.input']
    yield stream.read(5)
    yield stream.readline(7)
    for line in stream:
        yield line
    yield b'|'.join(stream.readlines())


_ANSWERS = {
    'breaking': _breaking,
    'reading': _reading,
    'iterating': lambda environ: iter([b'one', b'two']),
    'file': lambda environ: environ['wsgi.file_wrapper'](io.BytesIO(b'content')),
    'tuple': lambda environ: (b'one', b'two'),
}
WSGI = [('/' + act.__name__, {}) for act in acts.ALL] + [
    ('/write', {}),
    ('/breaking', {}),
    ('/reading', {'body': BODY}),
    ('/reading', {'body': BODY, 'CONTENT_LENGTH': 'wrong'}),
    ('/iterating', {'query': "a=' or 1=1 --"}),
    ('/file', {'wsgi.file_wrapper': Wrapper}),
    ('/tuple', {'HTTP_TRACEPARENT': '00-%s-%s-01' % ('1' * 32, '2' * 16), 'REMOTE_PORT': 'none'}),
    ('/statements', {'query': 'a=..%2f', 'HTTP_X_DATADOG_TRACE_ID': '12', 'HTTP_X_DATADOG_PARENT_ID': '13'}),
    ('/commands', {'query': 'a=;ls', 'HTTP_B3': '1' * 32 + '-' + '2' * 16}),
]  # fmt: skip


def _flask():
    application = flask.Flask('shop')
    application.secret_key = 'known'
    manager = flask_login.LoginManager(application)
    manager.user_loader(_User)

    @application.route('/act/<name>', methods=['GET', 'POST'])
    def act(name):
        return getattr(acts, name)() + flask.request.form.get('name', '')

    @application.route('/in')
    def log_in():
        flask_login.login_user(_User('7'))
        return flask_login.current_user.get_id()

    @application.route('/out')
    def log_out():
        flask_login.login_user(_User('7'))
        flask_login.logout_user()
        return 'out'

    return application


class _User(getattr(flask and flask_login, 'UserMixin', object)):
    def __init__(self, identity):
        self.id, self.username = identity, 'ada'


def _django():
    from django.core.handlers.wsgi import WSGIHandler

    from tests.removal.programs import django_setup

    django_setup.prepare(_views, 'django.contrib.auth', 'django.contrib.contenttypes')
    return WSGIHandler()


def _views():
    from django.contrib.auth import signals
    from django.contrib.auth.models import User, update_last_login
    from django.db.models.signals import post_save
    from django.http import HttpResponse

    signals.user_logged_in.disconnect(update_last_login)  # there is no database
    signals.user_logged_in.disconnect(dispatch_uid='update_last_login')

    def act(request, name):
        return HttpResponse(getattr(acts, name)() + request.POST.get('name', ''))

    def log_in(request):
        user = request.user = User(pk=7, username='ada')
        signals.user_logged_in.send(User, request=request, user=user)
        signals.user_login_failed.send(__name__, credentials={'username': 'eve'}, request=request)
        signals.user_logged_out.send(User, request=request, user=user)
        post_save.send(User, instance=user, created=True, raw=False, using='default', update_fields=None)
        return HttpResponse('in')

    return [('^act/(?P<name>.*)$', act), ('^in$', log_in)]


def requests():
    """[(name, function that asks and returns what came back)]."""
    found = [('wsgi', lambda environ, start_response: WRAPPED(environ, start_response), WSGI)]
    if flask is not None:
        pages = [('/act/files', {}), ('/act/failing', {}), ('/in', {}), ('/out', {}), ('/nowhere', {})]
        pages.append(('/act/files', {'body': BODY, 'CONTENT_TYPE': 'application/x-www-form-urlencoded'}))
        found.append(('flask', _flask(), pages))
    if django is not None:
        pages = [('/act/files', {}), ('/act/failing', {}), ('/in', {}), ('/nowhere', {})]
        found.append(('django', _django(), pages))
    return [
        ('%s %s' % (name, path), lambda app=app, path=path, more=more: ask(app, path, **more))
        for name, app, pages in found
        for path, more in pages
    ]


WRAPPED = plain
