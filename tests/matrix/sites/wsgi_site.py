"""The site as a bare WSGI application, and under wsgiref: `python -m tests.matrix.sites.wsgi_site PORT`."""

import json
import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

try:
    from urllib.parse import parse_qs
except ImportError:
    from urlparse import parse_qs

import pyagent
from tests.matrix.sites import acts


def _body(environ):
    return environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0)).decode('utf-8')


def form(environ, query):
    body = _body(environ)
    if environ['CONTENT_TYPE'] == 'application/json':
        return acts.run(json.loads(body)['arg'])
    if environ['CONTENT_TYPE'].startswith('multipart/'):
        return acts.run('multipart')
    return acts.run(parse_qs(body)['arg'][0])


def login(environ, query):
    """An app with users of its own tells of them through the SDK."""
    fields = {k: v[0] for k, v in parse_qs(_body(environ)).items()}
    if (fields['username'], fields['password']) != (acts.USER, acts.PASSWORD):
        pyagent.track_login_failure(fields['username'], exists=fields['username'] == acts.USER)
        return 'no'
    pyagent.track_login_success(fields['username'], acts.USER_ID)
    return 'yes'


def answer(how, environ, start_response):
    headers = [('Content-Type', 'text/plain'), ('X-Site', how)]
    if how == 'file':
        headers.append(('Content-Length', str(os.path.getsize(acts.FILE))))
        start_response('200 OK', headers)
        return environ['wsgi.file_wrapper'](open(acts.FILE, 'rb'))
    start_response('200 OK', headers)
    return acts.parts(how)


def application(environ, start_response):
    path, query = environ['PATH_INFO'], parse_qs(environ['QUERY_STRING'])
    if path.startswith('/answer/'):
        return answer(path[8:], environ, start_response)
    if path.startswith('/run/'):
        text = acts.run(query.get('arg', [''])[0])
    elif path == '/go':
        text = acts.go(query['url'][0])
    elif path == '/error':
        text = acts.fail()
    else:
        text = {'/form': form, '/login': login}.get(path, lambda environ, query: 'ok')(environ, query)
    start_response('403 Forbidden' if text == 'no' else '200 OK', [('Content-Type', 'text/plain')])
    return [text.encode('utf-8')]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == '__main__':
    make_server('127.0.0.1', int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
