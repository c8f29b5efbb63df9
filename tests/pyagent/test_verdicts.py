"""The verdict call: what is left of it at the end of a process."""

from __future__ import absolute_import

import os
import subprocess
import sys

from pyagent.core import lifecycle

from .support import AgentCase, environ

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = '''
import atexit, gc, sys

links = lambda: [o for o in gc.get_objects() if type(o).__name__ == 'Link']
atexit.register(lambda: sys.stdout.write(' then %d' % len(links())))

import pyagent

pyagent.enable()
from pyagent.core import lifecycle
from tests.pyagent.support import environ

lifecycle.end(lifecycle.begin(environ()), 200)
sys.stdout.write('%d' % len(links()))
'''


class Ends(AgentCase):
    mode = 'block'
    verdict = {'action': 'allow', 'findings': []}

    def test_nobody_asks_after_the_end(self):
        """A thread that goes on when the agent has stopped gets no answer, and makes no link."""
        lifecycle.end(lifecycle.begin(environ()), 200)
        self.agent.verdicts.close()
        self.assertEqual([self.agent.verdicts.ask({}, None) for _ in range(2)], [None, None])

    def test_no_link_outlives_the_process(self):
        """Where the interpreter takes its threads apart, none has a link: the __del__ of one could wait there for ever."""
        variables = dict(self.environ, PYTHONPATH=ROOT, PYTHONDONTWRITEBYTECODE='1')
        told = subprocess.check_output([sys.executable, '-c', PROGRAM], env=dict(os.environ, **variables), cwd=ROOT)
        self.assertEqual(told, b'2 then 0')
