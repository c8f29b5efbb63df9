"""The stream to the collector: batches out, acknowledgements and policy in. Request threads never wait for it.

One thread per process, started with the first record, sends (`sender`); it looks around twice a second when idle. Urgent
records are tried at once from the thread that has them. An unacknowledged batch is sent again.
"""

from __future__ import absolute_import

import atexit
import os
from collections import OrderedDict

from . import guard, names, native, wire
from .ledger import ledger
from .link import Link, hello
from .outbox import Outbox
from .sender import GATHER, IDLE, Sender

RETRY = 0.5
STATUS_EVERY = 10.0
LAST = 2.0
"""How long the end of a process may wait for a socket that is full; where there is room it does not wait at all."""

MAX_OUTSTANDING = 16
SELF_HELP = 1024
"""Records that wait before request threads send them, where no thread of ours gets to run (uWSGI without threads); tried
once in GATHER, since a collector that has no time takes nothing the sooner."""


class Stream(object):
    """State of this process's stream; a fork starts anew. `on_policy` hears every policy."""

    def __init__(self, config, on_policy):
        self._config, self._on_policy = config, on_policy
        self.mode, self.policy_version = config.mode, 0
        self.closed = False
        atexit.register(self._at_exit)
        self._reset()

    def _reset(self):
        """What a new process starts with."""
        self._pid = os.getpid()
        self._lock = native.Lock()
        self._sender = Sender(self._turn)
        self._link = None
        self._outbox = Outbox()
        self._unacked = OrderedDict()
        self._sequence = 0
        self._prepared = False
        self._patience = IDLE
        self._next_try = self._next_status = self._next_help = 0.0
        self._told_version, self._told_policy = -1, 0
        self.witnessed = False
        self.last_error = ''

    @property
    def connected(self):
        return self._link is not None

    def prepare(self):
        """The first connection of a process is made at once, within the deadline, so that its marks count from the
        first request on. Costs one comparison ever after."""
        if self._prepared and self._pid == os.getpid():
            return
        self.follow_fork()
        if self._lock.acquire(False):
            try:
                if not self._prepared:
                    self._prepared = True
                    self._open(self._config.deadline)
            finally:
                self._lock.release()
        if not self.closed:
            self._sender.begin()

    def put(self, record, urgent=False):
        """Queue an encoded record for the next batch; urgent ones are handed to the kernel now if that needs no waiting.

        Records are encoded in the thread that has them: cheaper than keeping what they are made of alive.
        """
        if self.closed:
            return
        if self._pid != os.getpid():
            self.follow_fork()
        if len(record) > wire.MAX_RECORD:
            self._outbox.drop('too_large')
            return
        self._outbox.put(record, urgent)
        if urgent or (len(self._outbox) > SELF_HELP and names.monotonic() >= self._next_help):
            self._try_pump()
        if not self._sender.awake:
            self._sender.wake()

    def flush(self):
        """At the end of the process: hand all that waits to the kernel, within LAST. It is read after our end, too."""
        if self._pid != os.getpid() or not self._prepared:
            return
        end = names.monotonic() + LAST
        with self._lock:
            if self._link is None and (len(self._outbox) or self._unacked):
                self._open(0)
        while names.monotonic() < end:
            with self._lock:
                self._pump(last=True)
                if self._link is None or (self._link.idle and not len(self._outbox)):
                    return
            native.sleep(0.002)

    def close(self):
        """Send what waits, then hang up."""
        names.forget_at_exit(self._at_exit)
        self._end(with_process=False)

    def follow_fork(self):
        """In a new process: leave the parent's connection, locks and records alone, and start anew."""
        if self._pid != os.getpid():
            guard.counters.clear()
            ledger.reset_after_fork()
            if self._link is not None:
                self._link.close()
            self._reset()

    # inside

    def _at_exit(self):
        self._end(with_process=True)

    @guard.guarded
    def _end(self, with_process):
        self.follow_fork()
        self.flush()
        self.closed = True
        self._sender.end(with_process)
        with self._lock:
            self._drop_link('')

    @guard.guarded
    def _turn(self):
        with self._lock:
            if self._link is None and names.monotonic() >= self._next_try:
                self._open(0)
            moved = self._link.moved if self._link is not None else 0
            self._pump()
            self._patience = self._next_patience(moved)
            return self._patience

    def _next_patience(self, moved):
        """While the collector takes what waits, it soon gets the rest; one that takes nothing is asked ever less often."""
        if self._link is None:
            return RETRY
        if self._link.idle and not len(self._outbox):
            return IDLE
        return GATHER if self._link.moved != moved else min(IDLE, 2 * self._patience)

    def _try_pump(self):
        if self._link is not None and self._lock.acquire(False):
            try:
                self._next_help = names.monotonic() + GATHER
                self._pump()
            except Exception:
                guard.swallow('send')
            finally:
                self._lock.release()

    def _open(self, patience):
        """Connect and greet; wait `patience` seconds for WELCOME. Unacknowledged batches go first."""
        if self.closed:
            return
        self._next_try = names.monotonic() + RETRY
        link = None
        try:
            link = Link(self._config, self._config.deadline)
            self._told_version, self._told_policy = ledger.version, 0  # a greeting names no policy
            greeting = wire.encode_body(hello(self._config, 'stream', self.mode))
            if patience:
                answers = (wire.WELCOME, wire.ERROR)
                for frame in link.exchange(wire.HELLO, 0, greeting, answers, patience):
                    self._take(*frame)
            else:
                link.queue(wire.HELLO, 0, greeting)
            for sequence, body in self._unacked.items():
                link.queue(wire.BATCH, sequence, body)
        except (EnvironmentError, wire.WireError) as error:
            if link is not None:
                link.close()
            self.last_error = str(error)
            return
        self._link = link
        self.last_error = ''
        self._next_status = names.monotonic() + STATUS_EVERY
        guard.count('connections')

    def _pump(self, last=False):
        """Receive, then send what may be sent (at last everything); the lock is held."""
        if self._link is None:
            return
        try:
            for kind, sequence, body in self._link.receive():
                self._take(kind, sequence, body)
            self._link.send()
            self._send_status()
            while self._link.idle and (last or len(self._unacked) < MAX_OUTSTANDING):
                body = self._outbox.batch()
                if body is None:
                    break
                self._sequence += 1
                self._unacked[self._sequence] = body
                self._link.queue(wire.BATCH, self._sequence, body)
                self._link.send()
        except (EnvironmentError, wire.WireError) as error:
            self._drop_link(str(error))

    def _send_status(self):
        now = names.monotonic()
        news = self._told_version != ledger.version or self._told_policy != self.policy_version
        if self._link.idle and (news or now >= self._next_status):
            self._next_status = now + STATUS_EVERY
            self._told_version, self._told_policy = ledger.version, self.policy_version
            status = {
                'mode': self.mode,
                'policy_version': self.policy_version,
                'hooks': ledger.rows()[:512],
                'counters': dict(guard.counters),
            }
            self._link.queue(wire.STATUS, 0, wire.encode_body(status))
            self._link.send()

    def _take(self, kind, sequence, body):
        if kind == wire.ACK:
            self._unacked.pop(sequence, None)
        elif kind == wire.WELCOME:
            self.witnessed = bool(body.get('witnessed'))
            self._on_policy(body.get('policy') or {})
        elif kind == wire.POLICY:
            self._on_policy(body)
        elif kind == wire.ERROR:
            guard.count('refused_by_collector')
            if body.get('code') in ('bad_body', 'too_large') and self._unacked:
                self._unacked.popitem(last=False)
                self._outbox.drop('refused')
            raise wire.WireError('refused: %s' % (body.get('code'),))

    def _drop_link(self, reason):
        if self._link is not None:
            self._link.close()
        self._link = None
        self.witnessed = False
        self.last_error = reason
        self._next_try = names.monotonic() + RETRY / 5
