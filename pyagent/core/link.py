"""One connection to the agent socket: connect, greet, send without blocking, receive. Not locked."""

from __future__ import absolute_import

import os
import socket
import sys

from . import facts, guard, names, native, wire
from .ledger import ledger

VERSION = '0.1.0'

_start_time = names.time_ns()
_WOULD_BLOCK = (11, 35, 10035)


def hello(config, role, mode):
    """The body of a HELLO: who this process is."""
    from .config import runtime

    return {
        'pid': os.getpid(),
        'role': role,
        'agent_version': VERSION,
        'mode': mode,
        'service': config.service[:1000],
        'service_version': config.service_version[:1000],
        'environment': config.environment[:1000],
        'runtime': runtime() or '',
        'executable': sys.executable or '',
        'argv0': (getattr(sys, 'argv', None) or [''])[0][:1000],
        'thread_id': names.native_thread_id(),
        'parent_pid': os.getppid() if hasattr(os, 'getppid') else 0,
        'start_time': _start_time,
        'hooks': ledger.rows()[:512] if role == 'stream' else [],
        'counters': dict(guard.counters) if role == 'stream' else {},
    }


def _way(config):
    """(socket family, address, what is said first) to reach the collector: its Unix socket, or TCP where one is named."""
    if config.address:
        family = socket.AF_INET6 if ':' in config.address[0] else socket.AF_INET
        return family, config.address, config.token().encode('ascii') + b'\n'
    if not facts.HAS_UNIX_SOCKETS:
        raise OSError('no Unix sockets here, and no COWITNESS_ADDRESS')
    return socket.AF_UNIX, config.socket_path, b''


class Link(object):
    """A connected socket and the bytes that it has not taken yet; `moved` counts those that came and went.

    Raises OSError (2.7: socket.error) when it breaks.
    """

    _socket = _kept = None

    def __init__(self, config, timeout):
        self._kept = self  # until it is closed: where the process ends, no thread is the last to let go of it
        family, address, self._out = _way(config)
        self._socket = native.stream_socket(family)
        self._splitter = wire.Splitter()
        self.moved = 0
        try:
            self._socket.settimeout(timeout)
            native.connect(self._socket, address)
            if config.address:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.close()
            raise

    @property
    def idle(self):
        """Whether everything was handed to the kernel."""
        return not self._out

    def queue(self, kind, sequence, body):
        """Add a frame to what is to be sent."""
        self._out += wire.frame(kind, sequence, body)

    def send(self):
        """Send what the socket takes now."""
        self._socket.setblocking(False)
        while self._out:
            try:
                count = self._socket.send(self._out)
            except (OSError, socket.error) as error:
                if error.errno in _WOULD_BLOCK:
                    return
                raise
            self._out = self._out[count:]
            self.moved += count

    def receive(self):
        """The frames that have arrived; raises OSError at the end of the stream."""
        self._socket.setblocking(False)
        frames = []
        while True:
            try:
                data = self._socket.recv(65536)
            except (OSError, socket.error) as error:
                if error.errno in _WOULD_BLOCK:
                    return frames
                raise
            if not data:
                raise OSError('the collector closed the connection')
            self.moved += len(data)
            frames.extend(self._splitter.feed(data))

    def exchange(self, kind, sequence, body, answers, seconds):
        """Send one frame and wait for its answer (of a kind in `answers`): that, and the frames which came right behind it,
        as `receive` gives them; none when time is up.
        """
        end = names.monotonic() + seconds
        try:
            self.say(kind, sequence, body, seconds)
            while True:
                heard = self.hear(end)
                for place, (got, number, _) in enumerate(heard):
                    if got in answers and number == sequence:
                        return heard[place:]
        except socket.timeout:
            return []

    def say(self, kind, sequence, body, seconds):
        """Send one frame, and what waits before it; raises socket.timeout when time is up."""
        self._socket.settimeout(seconds)
        self._socket.sendall(self._out + wire.frame(kind, sequence, body))
        self._out = b''

    def hear(self, end):
        """Wait for what comes next: the frames in it; raises socket.timeout when time is up."""
        left = end - names.monotonic()
        if left <= 0:
            raise socket.timeout()
        self._socket.settimeout(left)
        data = self._socket.recv(65536)
        if not data:
            raise OSError('the collector closed the connection')
        return self._splitter.feed(data)

    def has_news(self):
        """Whether something has come that nobody has heard."""
        try:
            return native.waiting_bytes(self._socket.fileno()) > 0
        except Exception:  # it is closed, by the thread that has it
            return False

    def close(self):
        """Close this process's end; a parent's or child's stays open."""
        self._kept = None
        if self._socket is not None:
            # 2.7: a socket's close leaves it to the last who holds the inner one, perhaps a thread that no fork has kept
            getattr(self._socket, '_sock', self._socket).close()
