"""An application on http.server itself for the fault tests: the same acts, and what is asked of it over a real socket.

In the grammar of 2.7.
"""

from __future__ import absolute_import

import re
import socket

from tests.removal.programs import acts

try:
    from http.server import BaseHTTPRequestHandler
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler

_DATE = re.compile(b'(?m)^Date: .*$')
BODY = b'name=<script>&card=1'


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):  # noqa: N802
        name = self.path.strip('/').partition('?')[0]
        self.answer(getattr(acts, name, lambda: name)().encode('utf-8'))

    def do_POST(self):  # noqa: N802
        data = self.rfile.readline(5)
        self.answer(data + self.rfile.read(len(BODY) - len(data)))

    def do_BEGIN(self):  # noqa: N802
        """A part is out when the rest fails."""
        self.send_response(200)
        self.end_headers()
        self.wfile.writelines([b'one', b'two'])
        acts.failing()

    def answer(self, data):
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def ask(text):
    """All that comes back, or what it broke off with."""
    ours, theirs = socket.socketpair()
    try:
        ours.sendall(text)
        ours.shutdown(socket.SHUT_WR)
        try:
            Handler(theirs, ('127.0.0.1', 50123), None)
            end = ''
        except Exception as error:
            end = '%s: %s' % (type(error).__name__, error)
        theirs.close()
        return _DATE.sub(b'Date:', b''.join(iter(lambda: ours.recv(65536), b''))), end
    finally:
        ours.close()


def requests():
    """[(name, function that asks and returns what came back)]."""
    lines = [('GET /' + act.__name__, b'') for act in (acts.files, acts.commands, acts.failing)]
    lines += [("GET /twice?a='+or+1=1+--", b'')]
    lines += [('POST /', BODY), ('BEGIN /', b''), ('BREW /', b'')]
    return [('http.server ' + line, lambda line=line, body=body: ask(_text(line, body))) for line, body in lines]


def _text(line, body):
    head = '%s HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nX-A: 2\r\n' % line
    if body:
        head += 'Content-Length: %d\r\n' % len(body)
    return (head + '\r\n').encode('ascii') + body + b'GET /next HTTP/1.1\r\n\r\n'
