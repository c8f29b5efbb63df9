"""A site with a real tracer and the agent in one process: `traced.py TRACER FRAMEWORK FIRST`; prints what each says.

TRACER: opentelemetry or datadog; FIRST: agent or tracer. In the grammar of 2.7, `traced_py3.py` apart.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

try:
    from http.client import HTTPConnection
except ImportError:
    from httplib import HTTPConnection

import pyagent
from pyagent.core import guard
from tests.pyagent.support import Listener, wait_for
from tests.tracing.programs.echo import Echo

TRACE, PARENT, STATE = '4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', 'vendor=a:1'
ECHO = Echo()


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def ask_all():
    """Ask the echo by every client that blocks, each under its own name."""
    import requests

    requests.get(ECHO.url + '/requests')
    try:
        from urllib.request import urlopen
    except ImportError:
        from urllib2 import urlopen
    urlopen(ECHO.url + '/urllib').read()
    connection = HTTPConnection(ECHO.url.split('//')[1])
    connection.request('GET', '/http.client')
    connection.getresponse().read()
    connection.close()
    try:
        import httpx
    except ImportError:
        return
    httpx.get(ECHO.url + '/httpx')


def served(application):
    """The port of a WSGI application that is being served."""
    server = make_server('127.0.0.1', 0, application, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.daemon = True
    thread.start()
    return server.server_port


def flask_site(tracer):
    import flask

    app = flask.Flask('site')

    @app.route('/ask')
    def ask():
        ask_all()
        return flask.jsonify(tracer.current())

    return served(app)


def django_site(tracer):
    import django
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path

    def ask(request):
        ask_all()
        return JsonResponse(tracer.current())

    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='a test', MIDDLEWARE=[])
    tracer.instrument_django()
    django.setup()
    globals()['urlpatterns'] = [path('ask', ask)]
    from django.core.wsgi import get_wsgi_application

    return served(get_wsgi_application())


def site(framework, tracer):
    if framework == 'fastapi':
        from tests.tracing.programs import traced_py3

        return traced_py3.fastapi_site(tracer.current, ECHO)
    return {'flask': flask_site, 'django': django_site}[framework](tracer)


class Datadog(object):
    """ddtrace, patched by itself."""

    def start(self, framework):
        import ddtrace

        ddtrace.patch_all()

    def current(self):
        """The entry span of this request."""
        try:
            from ddtrace.trace import tracer
        except ImportError:
            from ddtrace import tracer
        span = tracer.current_root_span()
        return {'trace_id': '%032x' % span.trace_id, 'span_id': '%016x' % span.span_id}

    def spans(self):
        return []


def tracer_of(name):
    if name == 'datadog':
        return Datadog()
    from tests.tracing.programs import traced_py3

    return traced_py3.OpenTelemetry()


def get(port, path, headers):
    connection = HTTPConnection('127.0.0.1:%d' % port)
    connection.request('GET', path, headers=headers)
    body = connection.getresponse().read()
    connection.close()
    return json.loads(body.decode('utf-8'))


def ended(listener):
    """The latest `end` record, once another one is there."""
    known = len(of_the_site(listener))
    return lambda: wait_for(lambda: of_the_site(listener)[known:])[0]


def of_the_site(listener):
    """The echo beside it is asked, too, and no framework of the tracer's."""
    ended = listener.records('request', phase='end')
    return [record for record in ended if record.get('framework') != 'http.server']


def main(tracer_name, framework, first):
    directory = tempfile.mkdtemp(prefix='cw-')
    listener = Listener(directory)
    os.environ['COWITNESS_RUN_DIR'] = directory
    tracer = tracer_of(tracer_name)
    for start in (pyagent.enable, lambda: tracer.start(framework))[:: 1 if first == 'agent' else -1]:
        start()
    port = site(framework, tracer)
    found = {}
    arrived = {'traceparent': '00-%s-%s-01' % (TRACE, PARENT), 'tracestate': STATE}
    for name, headers in (('arrived', arrived), ('new', {})):
        record = ended(listener)
        current = get(port, '/ask', headers)
        found[name] = {'tracer': current, 'record': record(), 'sent': ECHO.take(), 'spans': tracer.spans()}
    found['problems'] = guard.errors()
    pyagent.disable()
    found['disabled'] = {'tracer': get(port, '/ask', arrived), 'sent': ECHO.take()}
    listener.hang_up()
    shutil.rmtree(directory, True)
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main(*sys.argv[1:])
