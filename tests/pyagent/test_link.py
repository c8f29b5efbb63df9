"""The connection to the collector, where a system is not as Linux is."""

from __future__ import absolute_import

import os
import socket

from pyagent.core import link, native, wire
from pyagent.core.config import Config

from .support import AgentCase, Case, Listener


class FullMockedSocket(object):
    """No real one answers with Windows' numbers here: WSAEWOULDBLOCK is 10035."""

    def __init__(self, *args):
        self.sent = b''
        self.room = 5

    def send(self, data):
        if not self.room:
            raise socket.error(10035, 'WSAEWOULDBLOCK')
        sent = data[: self.room]
        self.room -= len(sent)
        self.sent += sent
        return len(sent)

    def recv(self, size):
        raise socket.error(10035, 'WSAEWOULDBLOCK')

    def nothing(self, *args):
        pass

    settimeout = connect = setblocking = close = nothing


class Windows(Case):
    def test_would_block_mocked(self):
        """What the socket does not take waits, and nothing that has arrived is no error."""
        before = native.stream_socket, native.connect
        native.stream_socket, native.connect = FullMockedSocket, FullMockedSocket.connect
        try:
            way = link.Link(Config({'COWITNESS_RUN_DIR': self.directory}), 1)
        finally:
            native.stream_socket, native.connect = before
        way.queue(wire.STATUS, 0, b'{}')
        way.send()
        self.assertFalse(way.idle)
        self.assertEqual(way.receive(), [])
        way._socket.room = 1000
        way.send()
        self.assertTrue(way.idle)
        self.assertEqual(way._socket.sent, wire.frame(wire.STATUS, 0, b'{}'))


class Loopback(AgentCase):
    def test_by_tcp(self):
        """With an address the token is said first; without one, or with a broken one, nothing is sent to anybody."""
        from pyagent.core import facts

        facts.HAS_UNIX_SOCKETS, before = False, facts.HAS_UNIX_SOCKETS
        try:
            listener = Listener(self.directory)
            self.addCleanup(listener.hang_up)
            environ = dict(listener.variables, COWITNESS_RUN_DIR=self.directory)
            way = link.Link(Config(environ), 5)
            body = wire.encode_body(link.hello(Config(environ), 'stream', 'monitor'))
            answer = way.exchange(wire.HELLO, 1, body, (wire.WELCOME,), 5)
            self.assertEqual([kind for kind, _, _ in answer], [wire.WELCOME])
            way.close()
            self.assertRaises(EnvironmentError, link.Link, Config({'COWITNESS_RUN_DIR': self.directory}), 5)
            with open(os.path.join(self.directory, 'agent.token'), 'w') as file:
                file.write('not a token')
            self.assertRaises(EnvironmentError, link.Link, Config(environ), 5)
        finally:
            facts.HAS_UNIX_SOCKETS = before
        self.assertEqual(len(listener.bodies(wire.HELLO)), 1)
