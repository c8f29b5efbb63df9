"""As objects.py, for the applications of whatever frameworks and servers there are. In the grammar of 2.7."""

from __future__ import absolute_import

from tests.pyagent.support import environ

try:
    from StringIO import StringIO
except ImportError:
    from io import StringIO
try:
    import flask
except ImportError:
    flask = None
try:
    import django
except ImportError:
    django = None
try:
    from gunicorn.app.base import BaseApplication
except ImportError:
    BaseApplication = None
try:
    import starlette
except ImportError:
    starlette = None


def served(application, path='/'):
    """Status, and the body's iterable, of a WSGI application."""
    answers = []
    given = environ(path, **{'wsgi.errors': StringIO()})
    body = application(given, lambda status, headers, *exc_info: answers.append(status))
    return answers, body


def flask_application():
    """A streaming answer under way, and a second request to the same application."""
    application = flask.Flask('shop')

    @application.route('/stream')
    def stream():
        return flask.Response(iter(['one', 'two', 'three']))

    application.route('/fail')(lambda: 1 // 0)
    statuses, body = served(application, '/stream')
    parts = iter(body)
    begun = [next(parts)]
    yield
    assert begun + list(parts) == [b'one', b'two', b'three']
    body.close()
    assert statuses == ['200 OK']
    assert b''.join(served(application, '/stream')[1]) == b'onetwothree'
    assert served(application, '/fail')[0][0].startswith('500')


def django_application():
    """The handler of a site, and its signals."""
    from django.core.handlers.wsgi import WSGIHandler

    application = WSGIHandler()
    statuses, body = served(application, '/stream')
    parts = iter(body)
    begun = [next(parts)]
    yield
    assert begun + list(parts) == [b'one', b'two']
    body.close()
    assert [status[:3] for status in statuses] == ['200']
    assert b''.join(served(application)[1]) == b'ok'


def prepare():
    """What an app configures before anything else."""
    if django is not None:
        from tests.removal.programs import django_setup

        django_setup.prepare(_views)


def _views():
    from django.http import HttpResponse, StreamingHttpResponse

    return [
        ('^$', lambda request: HttpResponse('ok')),
        ('^stream$', lambda request: StreamingHttpResponse(iter([b'one', b'two']))),
    ]


def gunicorn_application():
    """What gunicorn's workers have loaded."""

    class Application(BaseApplication):
        def load_config(self):
            pass

        def load(self):
            def application(environ, start_response):
                start_response('200 OK', [])
                return [b'body']

            return application

    server = Application()
    loaded = server.wsgi()
    yield
    assert served(loaded) == (['200 OK'], [b'body'])
    assert served(server.wsgi()) == (['200 OK'], [b'body'])


ALL = [
    function
    for function, library in (
        (flask_application, flask),
        (django_application, django),
        (gunicorn_application, BaseApplication),
    )
    if library is not None
]
if starlette is not None:
    from tests.removal.programs import frameworks_py3

    ALL += frameworks_py3.ALL
