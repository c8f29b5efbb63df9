"""Operations: processes, files, connections, and the threads that a request starts. Everything is really done."""

from __future__ import absolute_import

import io
import os
import socket
import subprocess
import sys
import threading
import unittest

from pyagent.core import carrying, context, facts, lifecycle, operations

from .support import HookCase, environ

NULL = os.open(os.devnull, os.O_RDWR)


def in_child(function):
    """Run what replaces the process in a child."""
    pid = os.fork()
    if not pid:
        try:
            function()
        finally:
            os._exit(9)
    return os.waitpid(pid, 0)[1]


class Processes(HookCase):
    def test_shells(self):
        """os.system, os.popen and subprocess with shell=True are shells, once each, with their line."""
        self.assertEqual(self.operations(lambda: os.system('true a')), [('shell', 'true a', 'os.system')])
        self.assertEqual(self.operations(lambda: os.popen('true b').close()), [('shell', 'true b', 'os.popen')])
        self.assertEqual(
            self.operations(lambda: subprocess.call('true c', shell=True)),
            [('shell', 'true c', 'subprocess')],
        )

    @unittest.skipUnless(facts.HAS_FORK, 'os.spawnv forks here')
    def test_arguments(self):
        """A list of words is argv, whichever way it is started."""
        self.assertEqual(
            self.operations(lambda: subprocess.check_call(['true', 'a b'])),
            [('argv', 'true a b', 'subprocess')],
        )
        self.assertEqual(
            self.operations(lambda: os.spawnv(os.P_WAIT, '/bin/true', ['x', 'y'])),
            [('argv', '/bin/true y', 'os.spawnv')],
        )
        self.assertEqual(
            self.operations(lambda: os.spawnlp(os.P_WAIT, 'true', 'x', 'z')),
            [('argv', 'true z', 'os.spawnlp')],
        )

    def test_a_missing_program(self):
        """The app gets its own error, and the operation its name."""
        with self.assertRaises(OSError):
            self.operations(lambda: subprocess.call(['/nowhere/program']))
        operation = self.ended()['operations'][0]
        self.assertIn(operation['error'], ('OSError', 'FileNotFoundError'))

    @unittest.skipUnless(facts.HAS_FORK, 'no fork here')
    def test_exec_is_told_before(self):
        """A process that is replaced has told its operation before: nobody comes back to tell it."""
        seen = []
        original = operations.start

        def note(operation):
            seen.append((operation.kind, operation.text, operation.system))
            os.write(writer, repr(seen[-1]).encode())
            return original(operation)

        reader, writer = os.pipe()
        operations.start = note
        try:
            lifecycle.begin(environ())
            self.assertEqual(in_child(lambda: os.execvp('true', ['true', 'gone'])), 0)
        finally:
            operations.start = original
        self.assertIn('true gone', os.read(reader, 1000).decode())

    @unittest.skipUnless(hasattr(os, 'posix_spawn'), 'os.posix_spawn came with 3.8')
    def test_posix_spawn(self):
        """posix_spawn is argv."""
        found = self.operations(lambda: os.waitpid(os.posix_spawn('/bin/true', ['t', 'a'], {}), 0))
        self.assertEqual(found, [('argv', '/bin/true a', 'os.posix_spawn')])

    def test_the_apps_frames(self):
        """Where the app stands is told whatever its folder is called, and however its system writes paths."""
        for path in ('/srv/pyagent-shop/app.py', 'C:\\shops\\pyagent\\app.py', 'pyagent.py'):
            made = {}
            exec(compile('import os\ndef view(): os.system("true")', path, 'exec'), made)
            request = lifecycle.begin(environ())
            made['view']()
            lifecycle.end(request, 200)
            stack = request.operations[0].stack
            self.assertEqual(stack[0], path + ':2 view')
            self.assertFalse([line for line in stack if os.sep + 'instrument' + os.sep in line], stack)

    def test_outside_of_requests(self):
        """Without a request the hooks only call through."""
        self.assertEqual(os.system('exit 3') >> 8, 3)
        self.assertEqual(subprocess.call(['false']), 1)


class Files(HookCase):
    def test_open(self):
        """open, io.open and os.open tell the path once; a descriptor number is no path."""
        path = os.path.join(self.directory, 'x')

        def work():
            open(path, 'w').close()
            io.open(path).close()
            os.close(os.open(path, os.O_RDONLY))
            os.fdopen(os.open(path, os.O_RDONLY)).close()

        found = self.operations(work)
        self.assertEqual(set(text for _, text, _ in found), set([path]))
        self.assertEqual([system for _, _, system in found][-2:], ['os.open', 'os.open'])
        self.assertEqual(len(found), 4)

    def test_open_still_opens(self):
        """The hooked open is as good as the old: modes, encodings, with, errors."""

        def work():
            path = os.path.join(self.directory, 'y')
            with io.open(path, 'w', encoding='utf-8') as file:
                file.write(u'\xe9')
            with open(path, 'rb') as file:
                self.assertEqual(file.read(), b'\xc3\xa9')
            self.assertRaises((OSError, IOError), open, path + '/no')

        self.assertEqual(len(self.operations(work)), 3)


class Network(HookCase):
    def setUp(self):
        super(Network, self).setUp()
        self.server = socket.socket()
        self.server.bind(('127.0.0.1', 0))
        self.server.listen(5)
        self.port = self.server.getsockname()[1]
        self.addCleanup(self.server.close)

    def serve(self):
        """Answer one HTTP request."""

        def answer():
            connection = self.server.accept()[0]
            connection.recv(65536)
            connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok')
            connection.close()

        thread = threading.Thread(target=carrying.outside(answer))
        thread.daemon = True
        thread.start()

    def refused(self):
        client = socket.socket()
        client.connect_ex(('127.0.0.1', 1))
        client.close()

    def test_connect(self):
        """A bare connection is a connect, refused ones too."""
        found = self.operations(lambda: socket.create_connection(('127.0.0.1', self.port)).close())
        self.assertEqual(found, [('connect', '127.0.0.1:%d' % self.port, 'socket')])
        self.assertEqual(
            self.operations(lambda: self.refused())[0][:2],
            ('connect', '127.0.0.1:1'),
        )

    def test_url(self):
        """A URL opened by urllib is one operation, and knows the address that it was resolved to."""
        try:
            from urllib.request import urlopen
        except ImportError:
            from urllib2 import urlopen

        self.serve()
        url = 'http://127.0.0.1:%d/a?b=c' % self.port
        request = lifecycle.begin(environ())
        self.assertEqual(urlopen(url).read(), b'ok')
        lifecycle.end(request)
        found = [(o.kind, o.text, o.resolved) for o in request.operations]
        self.assertEqual(found, [('url', url, ['127.0.0.1'])])

    def test_http_client(self):
        """http.client (httplib) alone tells the URL that it asks for."""
        try:
            from http.client import HTTPConnection
        except ImportError:
            from httplib import HTTPConnection

        self.serve()

        def work():
            connection = HTTPConnection('127.0.0.1', self.port)
            connection.request('GET', '/path')
            self.assertEqual(connection.getresponse().read(), b'ok')
            connection.close()

        self.assertEqual(
            self.operations(work), [('url', 'http://127.0.0.1:%d/path' % self.port, 'http.client')]
        )

    @unittest.skipUnless(hasattr(socket, 'AF_UNIX'), 'no Unix sockets here')
    def test_unix(self):
        """A Unix socket is told by its path."""
        path = os.path.join(self.directory, 's')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        client = socket.socket(socket.AF_UNIX)
        self.assertEqual(self.operations(lambda: client.connect(path)), [('connect', path, 'socket')])
        client.close()
        listener.close()


class Threads(HookCase):
    def test_a_thread_works_for_its_request(self):
        """What a thread does that the request started belongs to the request."""

        def work():
            thread = threading.Thread(target=os.system, args=('true in-thread',))
            thread.start()
            thread.join()

        self.assertEqual(self.operations(work), [('shell', 'true in-thread', 'os.system')])

    def test_pools(self):
        """A pool's call belongs to the request that submitted it; the worker itself to nobody."""
        try:
            from concurrent.futures import ThreadPoolExecutor
        except ImportError:
            self.skipTest('no concurrent.futures in %s' % sys.version.split()[0])
        with ThreadPoolExecutor(1) as pool:
            first = self.operations(lambda: pool.submit(os.system, 'true one').result())
            second = self.operations(lambda: pool.submit(os.system, 'true two').result())
            self.assertIsNone(pool.submit(context.current).result())
        self.assertEqual([text for _, text, _ in first + second], ['true one', 'true two'])
