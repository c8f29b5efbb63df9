"""Echo and misbehave on http.server itself: `/read/HOW` reads the body so, `/answer/HOW` answers so.

`python -m ... PORT`
"""

from __future__ import print_function

import hashlib
import io
import json
import shutil
import sys
import zlib

from tests.transparent.sites.pages import PAGES, note_of
from tests.transparent.sites.wsgi_reads import METHODS, READS

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn


class Handler(BaseHTTPRequestHandler):
    """The site."""

    protocol_version = 'HTTP/1.1'
    timeout = 20

    def do_GET(self):  # noqa: N802
        kind, _, how = self.path[1:].partition('/')
        if kind in PAGES:
            return self.whole(json.dumps(PAGES[kind]()).encode('ascii'))
        self.note = note_of(self.headers.get('X-Case', ''))
        self.note([self.command, self.path, sorted(vars(self)), type(self).__name__])
        self.note([[stream.__class__.__name__, stream.closed] for stream in (self.rfile, self.wfile)])
        return self.read(how) if kind == 'read' else getattr(self, 'answer_' + how)()

    do_POST = do_GET  # noqa: N815

    def whole(self, data, status=200):
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)

    def read(self, how):
        self.note([n for n in METHODS if hasattr(self.rfile, n)])
        digest = hashlib.md5()

        def saw(data):
            digest.update(data)
            self.note([len(data), zlib.crc32(data) & 0xFFFFFFFF])
            return data

        try:
            READS[how](self.rfile, saw, int(self.headers.get('Content-Length') or 0))
        except Exception as error:
            self.note(['raised', type(error).__name__])
        self.whole(digest.hexdigest().encode('ascii'), 201)

    def begin(self):
        self.send_response(200, 'Fine')
        self.send_header('Connection', 'close')
        self.end_headers()

    def answer_plain(self):
        self.whole(b'plain')

    def answer_lines(self):
        self.begin()
        self.wfile.writelines([b'one', b'two'])
        self.wfile.writelines(part for part in (b'three', b'four'))
        self.wfile.flush()

    def answer_copied(self):
        self.begin()
        shutil.copyfileobj(io.BytesIO(b'x' * 100000), self.wfile)

    def answer_wrapped(self):
        self.begin()
        out = io.TextIOWrapper(io.BufferedWriter(self.wfile), 'utf-8') if str is not bytes else self.wfile
        print('printed', file=out)
        out.flush()
        if out is not self.wfile:
            out.detach().detach()

    def answer_raw(self):
        """Without any help of the library."""
        self.wfile.write(b'HTTP/1.1 299 Raw\r\nContent-Length: 3\r\n\r\nraw')

    def answer_error(self):
        self.send_error(418, 'Teapot')

    def answer_fails(self):
        self.begin()
        self.wfile.write(b'part')
        raise ValueError('the answer broke off')

    def log_message(self, *args):
        pass


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if __name__ == '__main__':
    Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
