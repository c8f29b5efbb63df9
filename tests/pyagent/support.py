"""What the agent's tests share. Runs on 2.7 and on 3.5 and later, with the standard library only."""

from __future__ import absolute_import

import json
import os
import shutil
import socket
import tempfile
import threading
import time
import unittest

from pyagent.core import agent as agents
from pyagent.core import context, facts, guard, wire

TOKEN = '5f' * 32
WELCOME = {'witnessed': False, 'policy': {'version': 1, 'mode': ''}}
GOLDEN = os.path.join(
    os.path.dirname(__file__), os.pardir, os.pardir, 'proto', 'wire', 'golden'
)


def golden(name):
    """An example body of proto/wire/golden."""
    with open(os.path.join(GOLDEN, name + '.json')) as file:
        return json.load(file)


def wait_for(probe, seconds=10.0):
    """Poll until `probe` returns something true; the last value otherwise."""
    end = time.time() + seconds
    value = probe()
    while not value and time.time() < end:
        time.sleep(0.005)
        value = probe()
    return value


class Listener(object):
    """A peer on a real agent socket that keeps what it hears and answers as told; not a collector: it judges nothing.

    `verdict` is the answer to every ASK; None leaves it open. `acknowledge` says whether batches are. `behind` are frames
    that go out with a WELCOME, in one piece.
    """

    def __init__(self, directory, verdict=None):
        self.path = os.path.join(directory, 'agent.sock' if facts.HAS_UNIX_SOCKETS else 'port')
        self.verdict, self.acknowledge, self.behind = verdict, True, b''
        self.frames, self.connections = [], []
        self._socket = self._on_unix() if facts.HAS_UNIX_SOCKETS else self._on_tcp(directory)
        self._socket.listen(16)
        self._start(self._accept)

    def _on_unix(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        self.variables = {}
        return listener

    def _on_tcp(self, directory):
        """On loopback, with a token; the next one in this directory has the same port."""
        known = 0
        if os.path.exists(self.path + '.was'):
            with open(self.path + '.was') as file:
                known = int(file.read())
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('127.0.0.1', known))
        port = listener.getsockname()[1]
        with open(self.path + '.was', 'w') as file:
            file.write(str(port))
        with open(os.path.join(directory, 'agent.token'), 'w') as file:
            file.write(TOKEN + '\n')
        self.variables = {'COWITNESS_ADDRESS': '127.0.0.1:%d' % port}
        return listener

    def records(self, kind, **fields):
        """Records of this type that have arrived in batches."""
        found = []
        for number, body in list(self.frames):
            if number == wire.BATCH:
                found += [r for r in body['records'] if r['type'] == kind]
        return [r for r in found if all(r.get(k) == v for k, v in fields.items())]

    def bodies(self, kind):
        """Bodies of the frames of this kind that have arrived."""
        return [body for number, body in list(self.frames) if number == kind]

    def send(self, kind, body):
        """Push a frame to everybody who is connected."""
        for connection in list(self.connections):
            connection.sendall(wire.frame(kind, 0, wire.encode_body(body)))

    def hang_up(self):
        """Close the socket and every connection, and take the name away."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # who waits for a connection gives up
        except (OSError, socket.error):
            pass
        self._socket.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except (OSError, socket.error):
                pass
            connection.close()

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.daemon = True
        thread.start()

    def _accept(self):
        while True:
            try:
                connection = self._socket.accept()[0]
            except (OSError, socket.error):
                return
            self.connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection):
        splitter = wire.Splitter()
        try:
            if self.variables:
                said = connection.recv(65, socket.MSG_WAITALL)
                if said != TOKEN.encode('ascii') + b'\n':
                    connection.close()
            while True:
                data = connection.recv(65536)
                if not data:
                    return
                for kind, sequence, body in splitter.feed(data):
                    self._answer(connection, kind, sequence, body)
        except (OSError, socket.error):
            return

    def _answer(self, connection, kind, sequence, body):
        self.frames.append((kind, body))
        answer = None
        if kind == wire.HELLO:
            answer = (wire.WELCOME, WELCOME)
        elif kind == wire.BATCH and self.acknowledge:
            answer = (wire.ACK, {})
        elif kind == wire.ASK and self.verdict is not None:
            verdict = self.verdict(body) if callable(self.verdict) else self.verdict
            answer = (wire.VERDICT, verdict)
        if answer is not None:
            behind = self.behind if kind == wire.HELLO else b''
            try:
                connection.sendall(wire.frame(answer[0], sequence, wire.encode_body(answer[1])) + behind)
            except (OSError, socket.error):  # who has hung up may have said more before
                pass


class Case(unittest.TestCase):
    """A test with a short directory of its own; what the guard swallows fails it, unless `tolerant`."""

    tolerant = False

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='cw-')
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.swallowed = []
        self._keep = lambda where, error: self.swallowed.append((where, error))
        guard.on_error(self._keep)
        self.addCleanup(self._check)

    def _check(self):
        guard.remove_listener(self._keep)
        if not self.tolerant:
            self.assertEqual(self.swallowed, [])


class AgentCase(Case):
    """A test with an agent that is connected to a Listener."""

    mode = 'monitor'
    verdict = None
    deadline = 1000  # ms: an answer that comes is waited for, however slow the machine

    def setUp(self):
        super(AgentCase, self).setUp()
        self.listener = Listener(self.directory, self.verdict)
        self.addCleanup(self.listener.hang_up)
        self.environ = {
            'COWITNESS_RUN_DIR': self.directory,
            'COWITNESS_MODE': self.mode,
            'COWITNESS_DEADLINE_MS': str(self.deadline),
        }
        self.environ.update(self.listener.variables)
        self.agent = agents.start(self.environ)
        self.addCleanup(self._stop)

    def _stop(self):
        context.enter(None)
        agents.stop()

    def ended(self):
        """The `end` record of the only request, once it has arrived."""
        records = wait_for(lambda: self.listener.records('request', phase='end'))
        self.assertEqual(len(records), 1)
        return records[0]


def environ(path='/', query='', **more):
    """A WSGI environ."""
    import io

    base = {
        'REQUEST_METHOD': 'GET',
        'SCRIPT_NAME': '',
        'PATH_INFO': path,
        'QUERY_STRING': query,
        'SERVER_NAME': 'shop.example',
        'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'HTTP_HOST': 'shop.example',
        'HTTP_USER_AGENT': 'curl/8',
        'REMOTE_ADDR': '127.0.0.1',
        'REMOTE_PORT': '50123',
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': 'http',
        'wsgi.input': io.BytesIO(),
        'wsgi.errors': None,
        'wsgi.multithread': True,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
    }
    base.update(more)
    return base


class HookCase(AgentCase):
    """A test with every hook in place, and a request to serve; afterwards everything is as it was."""

    def setUp(self):
        from pyagent.instrument import everything

        super(HookCase, self).setUp()
        everything.install()
        self.addCleanup(everything.uninstall)

    def operations(self, work):
        """Serve a request in which `work()` is called: its operations as (kind, text, system)."""
        from pyagent.core import lifecycle

        request = lifecycle.begin(environ())
        try:
            work()
        finally:
            lifecycle.end(request, 200)
        return [(o.kind, o.text, o.system) for o in request.operations]
