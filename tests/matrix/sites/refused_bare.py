"""Sites without a framework, refused at the response: WSGI applications that begin their answer early or late, and a
handler of http.server. `python -m tests.matrix.sites.refused_bare HOW PORT`. In the grammar of 2.7."""

import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from tests.matrix.sites.diary import did

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import unquote_plus
except ImportError:
    from urllib import unquote_plus

    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer


def answer(path, stream, length):
    """What a request is answered with, as bytes."""
    if path != '/form':
        return str(os.getpid()).encode()
    did('view')
    return unquote_plus(stream.read(int(length)).decode().partition('=')[2]).encode()


def _of(environ):
    return answer(environ['PATH_INFO'], environ['wsgi.input'], environ.get('CONTENT_LENGTH') or 0)


HEADERS = [('Content-Type', 'text/plain'), ('Set-Cookie', 'seen=much')]


def late(environ, start_response):
    body = _of(environ)
    start_response('200 OK', list(HEADERS))
    return [body]


def early(environ, start_response):
    start_response('200 OK', list(HEADERS))
    return [_of(environ)]


def generator(environ, start_response):
    start_response('200 OK', list(HEADERS))
    yield _of(environ)


def writing(environ, start_response):
    write = start_response('200 OK', list(HEADERS))
    write(_of(environ))
    return []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        body = answer(self.path, self.rfile, self.headers.get('Content-Length') or 0)
        self.send_response(200)
        for pair in HEADERS + [('Content-Length', str(len(body)))]:  # noqa: RUF005 - 2.7
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815


if __name__ == '__main__':
    how, port = sys.argv[1], int(sys.argv[2])
    apps = {'list': late, 'early': early, 'generator': generator, 'write': writing}
    if how == 'http':
        HTTPServer(('127.0.0.1', port), Handler).serve_forever()
    make_server('127.0.0.1', port, apps[how], handler_class=WSGIRequestHandler).serve_forever()
