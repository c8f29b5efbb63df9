"""The stream: acknowledged or sent again, bounded, fork-safe, never in the way."""

from __future__ import absolute_import

import os
import unittest

from pyagent.core import agent as agents
from pyagent.core import facts, guard, lifecycle, names, wire
from pyagent.core.outbox import MAX_WEIGHT, Outbox

from .support import AgentCase, Case, Listener, environ, wait_for


def serve(path='/'):
    request = lifecycle.begin(environ(path))
    lifecycle.end(request, 200)
    return request.request_id


class Connected(AgentCase):
    def test_hello_says_who(self):
        """The first frame is a HELLO with pid, role, mode and hooks."""
        serve()
        hello = self.listener.bodies(wire.HELLO)[0]
        self.assertEqual((hello['pid'], hello['role'], hello['mode']), (os.getpid(), 'stream', 'monitor'))
        self.assertIsInstance(hello['hooks'], list)

    def test_what_does_not_fit_at_once_follows(self):
        """More than a socket takes is sent while the collector reads, though nothing new comes."""
        for number in range(20):
            self.agent.stream.put(wire.encode_body({'type': 'request', 'phase': 'end', 'body': 'x' * 300000}))
        self.assertTrue(wait_for(lambda: len(self.listener.records('request')) == 20))

    @unittest.skipUnless(os.path.exists('/proc/self/fd'), 'no /proc here')
    def test_commands_do_not_inherit_it(self):
        """A command that the app executes has no descriptor of ours, even where it gets those of the app."""
        import subprocess
        import sys

        serve()
        code = 'import os; print(sum(os.path.exists("/proc/self/fd/%d" % n) for n in range(3, 64)))'
        command = [sys.executable, '-c', code]
        with_us = subprocess.check_output(command, close_fds=False)
        self._stop()
        self.assertEqual(with_us, subprocess.check_output(command, close_fds=False))

    def test_unacknowledged_batches_are_sent_again(self):
        """What was not acknowledged when the collector went away reaches the next one."""
        self.listener.acknowledge = False
        first = serve('/one')
        self.assertTrue(wait_for(lambda: self.listener.records('request')))
        self.listener.hang_up()
        second = serve('/two')
        self.listener = Listener(self.directory)
        self.addCleanup(self.listener.hang_up)
        arrived = wait_for(lambda: len(self.listener.records('request')) >= 2)
        self.assertTrue(arrived, self.listener.frames)
        ids = [record['request_id'] for record in self.listener.records('request')]
        self.assertEqual(sorted(ids), sorted([first, second]))

    def test_the_next_collector_is_told_what_is_obeyed(self):
        """A greeting names no policy: a STATUS follows at once, though the policy is the one before."""
        serve()
        self.assertTrue(wait_for(lambda: self.listener.bodies(wire.STATUS)))
        self.listener.hang_up()
        self.listener = Listener(self.directory)
        self.addCleanup(self.listener.hang_up)
        told = wait_for(lambda: self.listener.bodies(wire.STATUS))
        self.assertEqual(told and told[0]['policy_version'], 1)

    def test_policy_is_obeyed_when_it_comes(self):
        """A POLICY frame changes the mode of a running agent."""
        serve()
        self.listener.send(wire.POLICY, {'version': 2, 'mode': 'off'})
        self.assertTrue(wait_for(lambda: self.agent.mode == 'off'))

    def test_what_comes_right_behind_the_welcome_counts(self):
        """A policy that is changed while an agent greets comes in one piece with the answer, which names the one before."""
        self.listener.behind = wire.frame(wire.POLICY, 0, wire.encode_body({'version': 2, 'mode': 'off'}))
        serve()
        self.assertEqual((self.agent.mode, self.agent.policy_version), ('off', 2))

    def test_a_refused_batch_is_not_sent_for_ever(self):
        """A batch that the collector calls bad is dropped, counted, and later ones arrive."""
        self.listener.acknowledge = False
        serve('/bad')
        self.assertTrue(wait_for(lambda: self.listener.records('request')))
        self.listener.acknowledge = True
        self.listener.send(wire.ERROR, {'code': 'bad_body', 'detail': ''})
        good = serve('/good')
        self.assertTrue(wait_for(lambda: self.listener.records('request', request_id=good)))
        self.assertTrue(wait_for(lambda: guard.counters.get('dropped_refused', 0) >= 1))

    def test_last_words_after_a_restart(self):
        """A process that ends while its link is down tries once more: the collector may be back by now."""
        serve('/a')
        wait_for(lambda: self.listener.records('request', phase='end', path='/a'))
        self.listener.hang_up()
        self.assertTrue(wait_for(lambda: not self.agent.stream.connected))
        self.agent.stream._next_try = names.monotonic() + 60
        serve('/b')
        again = Listener(self.directory)
        self.addCleanup(again.hang_up)
        agents.stop()
        self.assertTrue(wait_for(lambda: again.records('request', phase='end', path='/b')))

    @unittest.skipUnless(facts.HAS_FORK, 'no fork here')
    def test_a_fork_has_its_own_stream(self):
        """A child greets with its own pid and tells its own requests; the parent's connection goes on."""
        serve('/parent')
        pid = os.fork()
        if pid == 0:
            serve('/child')
            self.agent.stream.flush()
            os._exit(0)
        os.waitpid(pid, 0)
        serve('/parent-again')
        self.assertTrue(wait_for(lambda: len(self.listener.records('request')) == 3))
        pids = [hello['pid'] for hello in self.listener.bodies(wire.HELLO)]
        self.assertEqual(pids, [os.getpid(), pid])


@unittest.skipUnless(facts.HAS_UNIX_SOCKETS, 'no Unix sockets here')
class Deaf(Case):
    def test_a_listener_that_never_reads(self):
        """A full socket blocks nobody: records wait, then are dropped and counted, in bounded memory."""
        import socket

        deaf = socket.socket(socket.AF_UNIX)
        self.addCleanup(deaf.close)
        deaf.bind(os.path.join(self.directory, 'agent.sock'))
        deaf.listen(1)
        agent = agents.start({'COWITNESS_RUN_DIR': self.directory})
        self.addCleanup(agents.stop)
        guard.counters.pop('dropped_buffer_full', None)
        agent.stream.prepare()
        for _ in range(400):
            agent.stream.put(b'x' * 100000, urgent=True)
        self.assertTrue(guard.counters['dropped_buffer_full'] > 0)
        self.assertTrue(agent.stream._outbox._weight <= MAX_WEIGHT)


class Absent(Case):
    def test_nobody_there(self):
        """Without a collector requests are served and the reason is told."""
        agent = agents.start({'COWITNESS_RUN_DIR': self.directory})
        self.addCleanup(agents.stop)
        serve()
        status = agent.status()
        self.assertFalse(status['connected'])
        self.assertNotEqual(status['last_error'], '')


class Box(unittest.TestCase):
    def test_evidence_first(self):
        """Urgent records leave before the bulk and may push it out; drops are told with the next batch."""
        box = Outbox()
        box.put(b'"bulk"' + b' ' * (MAX_WEIGHT - 10), False)
        box.put(b'"evidence"', True)
        self.assertEqual(box.batch(), b'{"records":["evidence"],"dropped":{"buffer_full":1}}')
        self.assertIsNone(box.batch())
