"""A real HTTP server on loopback that remembers the headers of every request, duplicates too. In the grammar of 2.7."""

import threading

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """`/moved` leads to `/`; `/busy` is busy the first time."""

    def do_GET(self):  # noqa: N802
        raw = getattr(self.headers, 'headers', None)
        pairs = [line.split(':', 1) for line in raw] if raw is not None else self.headers.items()
        self.server.seen.append([self.path, sorted([n.lower(), v.strip()] for n, v in pairs)])
        status = 200
        if self.path == '/moved':
            status = 302
        elif self.path == '/busy' and self.server.patience:
            self.server.patience -= 1
            status = 503
        self.send_response(status)
        if status == 302:
            self.send_header('Location', '/')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')

    def do_POST(self):  # noqa: N802
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.do_GET()

    def log_message(self, *args):
        pass


class Echo(object):
    """The running server. `take()` hands over what was seen since the last time."""

    def __init__(self):
        self.server = HTTPServer(('127.0.0.1', 0), Handler)
        self.server.seen, self.server.patience = [], 0
        self.url = 'http://127.0.0.1:%d' % self.server.server_port
        thread = threading.Thread(target=self.server.serve_forever)
        thread.daemon = True
        thread.start()

    def take(self):
        seen, self.server.seen = self.server.seen, []
        self.server.patience = 1
        return seen
