"""Apps on the standard library's http.server: each request is one, and only what is to be refused is answered by us."""

from __future__ import absolute_import

import io
import os
import socket
import threading

from pyagent.core import asking, context, lifecycle
from pyagent.instrument import http_server

from .support import HookCase, wait_for

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from xmlrpc.client import ServerProxy
    from xmlrpc.server import SimpleXMLRPCServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SimpleXMLRPCServer import SimpleXMLRPCServer
    from xmlrpclib import ServerProxy
from wsgiref.simple_server import WSGIRequestHandler, make_server

GET = b'GET %s HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\n%s\r\n'
LAST = b'Connection: close\r\n'


class Handler(BaseHTTPRequestHandler):
    """What is asked for as a path is done."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        getattr(self, 'on_' + self.path.strip('/').partition('?')[0], self.on_hello)()

    do_POST = do_GET

    def answer(self, data=b'hello', status=201):
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.send_header('X-A', 'b')
        self.end_headers()
        self.wfile.write(data)

    def on_hello(self):
        self.server.seen.append((context.current() is not None, type(self.wfile).__name__))
        self.answer()

    def on_echo(self):
        data = self.rfile.read(3)
        self.answer(data + self.rfile.read(int(self.headers['Content-Length']) - 3))

    def on_fails(self):
        raise KeyError('shelf')

    def on_opens(self):
        try:
            open(os.devnull).close()
            data = b'opened'
        except Exception:
            data = b'not opened'
        self.answer(data)

    def on_insists(self):
        """Whatever happens, an answer is sent."""
        data = b'not opened'
        try:
            open(os.devnull).close()
            data = b'opened'
        finally:
            self.answer(data)

    def on_catches(self):
        try:
            asking.block(451)
        except:  # noqa: E722
            self.answer(b'caught')

    def on_parts(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.writelines([b'first'])
        try:
            asking.block()
        finally:
            self.wfile.write(b'last')

    def on_wsgi(self):
        from pyagent.instrument import wsgi

        def application(environ, start_response):
            start_response('200 OK', [])
            return [b'inner']

        environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/wsgi', 'wsgi.input': io.BytesIO()}
        self.answer(b''.join(wsgi.call(application, environ, lambda *args: None, 'inner')))

    def finish(self):
        self.server.left = type(self.rfile).__name__, type(self.wfile).__name__
        BaseHTTPRequestHandler.finish(self)

    def log_message(self, form, *args):
        self.server.log.append(form % args)


class Serving(HookCase):
    def serve(self, server):
        server.seen, server.log, server.errors = [], [], []
        server.handle_error = lambda *args: server.errors.append(args)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.daemon = True
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = server
        return server.server_address[1]

    def setUp(self):
        super(Serving, self).setUp()
        self.port = self.serve(HTTPServer(('127.0.0.1', 0), Handler))

    def talk(self, data, port=None):
        """All that comes back, and the client's own port."""
        client = socket.create_connection(('127.0.0.1', port or self.port), 20)
        try:
            self.own = client.getsockname()[1]
            client.sendall(data)
            return b''.join(iter(lambda: client.recv(65536), b''))
        finally:
            client.close()

    def get(self, path, more=LAST):
        return self.talk(GET.replace(b'%s', path, 1).replace(b'%s', more))

    def records(self, count):
        return wait_for(
            lambda: len(self.listener.records('request', phase='end')) >= count
            and self.listener.records('request', phase='end')
        )


class Plain(Serving):
    def test_the_whole_request(self):
        """Line, headers, peer and what was answered stand in the record; the app is served within the request."""
        heard = self.get(b'/hello%20you?a=1%27', b'X-Two: 2\r\nx-two: 3\r\n' + LAST)
        self.assertTrue(heard.startswith(b'HTTP/1.1 201 Created\r\n') and heard.endswith(b'\r\n\r\nhello'))
        record = self.ended()
        told = [record[name] for name in ('method', 'path', 'query', 'target', 'host', 'scheme')]
        line = ['GET', '/hello you', 'a=1%27', '/hello%20you?a=1%27', 'shop.example', 'http']
        self.assertEqual(told, line)
        self.assertEqual(record['peer'], {'address': '127.0.0.1', 'port': self.own})
        self.assertIn(['accept', 'text/html'], record['headers'])
        self.assertIn(['x-two', '2,3'], record['headers'])
        self.assertEqual((record['status'], record['response_body_size']), (201, 5))
        self.assertIn(['x-a', 'b'], record['response_headers'])
        self.assertEqual((record['framework'], self.server.seen[0][0]), ('http.server', True))
        self.assertEqual((self.server.errors, http_server._under_way), ([], {}))

    def test_kept_connections(self):
        """Every request of a connection is one of its own, and the handler gets its files back between them."""
        heard = self.get(b'/a', b'\r\n' + GET.replace(b'%s', b'/b', 1).replace(b'%s', LAST)[:-2])
        self.assertEqual(heard.count(b'HTTP/1.1 201'), 2)
        self.assertEqual([r['path'] for r in self.records(2)], ['/a', '/b'])
        self.assertEqual([name for _, name in self.server.seen], ['Out', 'Out'])
        self.assertFalse({'Out', 'Tee'}.intersection(self.server.left))

    def test_bodies(self):
        """The app gets its bytes, and the record has them."""
        body = b'name=<script>'
        line = b'POST /echo HTTP/1.1\r\nContent-Length: 13\r\n' + LAST + b'\r\n'
        self.assertTrue(self.talk(line + body).endswith(b'\r\n\r\n' + body))
        record = self.ended()
        self.assertEqual((record['body'], record['body_size']), (body.decode(), 13))

    def test_unread_bodies_stay_unread(self):
        """What the app does not read, nobody reads."""
        self.talk(b'POST /hello HTTP/1.1\r\nContent-Length: 2\r\n' + LAST + b'\r\nxy')
        self.assertFalse(self.ended().get('body'))

    def test_errors(self):
        """What the app raises goes on to the server and is told."""
        self.assertEqual(self.get(b'/fails'), b'')
        self.assertEqual(self.ended()['exception']['type'], 'KeyError')
        self.assertEqual(len(self.server.errors), 1)

    def test_what_is_no_request(self):
        """A line that cannot be parsed is answered by the server, and is nobody's request."""
        self.assertIn(b'400', self.talk(b'GET / / HTTP/1.1\r\n\r\n'))
        self.get(b'/known')
        self.assertEqual(self.ended()['path'], '/known')

    def test_methods_that_the_app_does_not_know(self):
        """The server's own answer is the request's."""
        self.talk(b'BREW /pot HTTP/1.1\r\n\r\n')
        self.assertEqual(self.ended()['status'], 501)

    def test_applications_within(self):
        """A WSGI application that a handler calls by itself shares the request, under its own name."""
        self.assertTrue(self.get(b'/wsgi').endswith(b'inner'))
        record = self.ended()
        self.assertEqual((record['framework'], record['status']), ('inner', 201))

    def test_handlers_of_others_that_run_applications(self):
        """Those that answer through http.server (werkzeug's) are left to WSGI, too."""

        class Running(Handler):
            run_wsgi = do_GET = Handler.on_wsgi

        port = self.serve(HTTPServer(('127.0.0.1', 0), Running))
        self.talk(b'GET /outer HTTP/1.1\r\n' + LAST + b'\r\n', port)
        self.assertEqual((self.ended()['path'], self.ended()['framework']), ('/wsgi', 'inner'))

    def test_wsgi_servers(self):
        """Handlers that run WSGI applications are left to WSGI: one request, not of http.server."""

        class Quiet(WSGIRequestHandler):
            def log_message(self, *args):
                pass

        def application(environ, start_response):
            start_response('200 OK', [])
            return [b'x']

        server = make_server('127.0.0.1', 0, application, handler_class=Quiet)
        self.assertTrue(self.talk(b'GET /w HTTP/1.0\r\n\r\n', self.serve(server)).endswith(b'x'))
        self.assertEqual(self.ended()['framework'], '')


class Refusing(Serving):
    mode = 'block'
    verdict = {'action': 'block', 'status': 451, 'headers': [['X-From', 'collector']], 'body': u'caf\xe9'}

    def test_refused_requests_never_reach_the_app(self):
        """The client gets the verdict's answer and the end of the connection, though it goes on sending what nobody reads."""
        client = socket.create_connection(('127.0.0.1', self.port), 20)
        self.addCleanup(client.close)
        client.sendall(b'POST /hello HTTP/1.1\r\nContent-Length: 9000\r\n\r\n')
        heard = client.recv(1)
        for _ in range(900):
            client.sendall(b'x' * 10)
        heard += b''.join(iter(lambda: client.recv(65536), b''))
        head, _, body = heard.partition(b'\r\n\r\n')
        self.assertTrue(head.startswith(b'HTTP/1.1 451 Blocked\r\n'))
        for line in (b'X-From: collector', b'Content-Length: 5', b'Connection: close'):
            self.assertIn(line, head.split(b'\r\n'))
        self.assertEqual((body, self.server.seen, self.server.errors), (b'caf\xc3\xa9', [], []))
        record = self.ended()
        told = record['status'], record['blocked']['where'], record['response_body_size']
        self.assertEqual(told, (451, 'request', 5))

    def test_heads(self):
        """What asked for no body gets none."""
        self.assertTrue(self.talk(b'HEAD / HTTP/1.1\r\n\r\n').endswith(b'Connection: close\r\n\r\n'))


def at_operations(body):
    return {'action': 'block' if body['operation'] else 'allow', 'status': 403}


class Stopping(Serving):
    mode = 'block'
    verdict = staticmethod(at_operations)

    def stopped(self, path, status):
        """What came back from a request that was stopped; the server serves on, and logged no error."""
        heard = self.get(path)
        self.assertTrue(self.get(b'/hello').endswith(b'hello'))
        self.assertEqual(self.server.errors, [])
        record = self.records(2)[0]
        self.assertEqual((record['status'], 'blocked' in record), (status, True))
        return heard

    def test_operations(self):
        """Stopped before its answer: the refusal is the answer, and the only one."""
        heard = self.stopped(b'/opens', 403)
        self.assertEqual((heard[:20], heard.count(b'HTTP/1.1')), (b'HTTP/1.1 403 Blocked', 1))
        self.assertIn(b'This request was blocked', heard)
        self.assertIn('"GET /opens HTTP/1.1" 403 -', self.server.log)

    def test_apps_that_answer_whatever_happens(self):
        """An app that answers in a `finally` does not answer in the refusal's place."""
        heard = self.stopped(b'/insists', 403)
        self.assertEqual((heard[:20], heard.count(b'HTTP/1.1')), (b'HTTP/1.1 403 Blocked', 1))

    def test_apps_that_catch_everything(self):
        """Neither does one that catches even what is no Exception."""
        self.assertEqual(self.stopped(b'/catches', 451)[:20], b'HTTP/1.1 451 Blocked')

    def test_parts(self):
        """Where a part is out, the connection ends and nothing follows."""
        heard = self.stopped(b'/parts', 200)
        self.assertTrue(heard.startswith(b'HTTP/1.1 200 OK\r\n') and heard.endswith(b'\r\n\r\nfirst'))


class Procedures(Serving):
    mode = 'block'
    verdict = staticmethod(at_operations)

    def test_xml_rpc(self):
        """A procedure is a request; one that is stopped is refused, though the library makes faults of all that is raised."""
        server = SimpleXMLRPCServer(('127.0.0.1', 0), logRequests=False)
        server.register_function(lambda: open(os.devnull).close() or 'opened', 'opens')
        server.register_function(lambda a, b: a + b, 'add')
        proxy = ServerProxy('http://127.0.0.1:%d' % self.serve(server))
        self.assertEqual(proxy.add(2, 3), 5)
        with self.assertRaises(Exception) as raised:
            proxy.opens()
        self.assertEqual(getattr(raised.exception, 'errcode', None), 403)
        self.assertEqual(proxy.add(2, 4), 6)
        first, second, third = self.records(3)
        self.assertIn('<methodName>add', first['body'])
        self.assertEqual((second['status'], third['status']), (403, 200))
