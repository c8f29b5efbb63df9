"""Outcomes of a framework's own tests, a JSON line each, and what the agent says of itself at the end of the process.

Where the agent is on, each test is run as part of a request: what it does then passes through all that the agent does
for an app's code. Runs on 2.7 and on 3.5 and later.
"""

from __future__ import absolute_import

import atexit
import json
import os
import sys

_pid = os.getpid()
_path = os.environ['SUITE_OUTCOMES']  # tests may clear the environment
_serving = []


def note(test, outcome, detail=''):
    """One outcome of one test; a test may have several (subtests, a failing teardown)."""
    _write({'test': test, 'outcome': outcome, 'detail': detail[-2000:]})


def begin():
    """From here on this thread works for a request, where the agent is on."""
    if 'pyagent' in sys.modules:
        from pyagent.core import lifecycle

        environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/suite', 'wsgi.url_scheme': 'http'}
        _serving.append(lifecycle.begin(environ))


def end():
    """The request is over."""
    if 'pyagent' in sys.modules:
        from pyagent.core import lifecycle

        request = _serving.pop()
        if request is not None:
            lifecycle.end(request, 200)


def _write(line):
    if os.getpid() == _pid:  # not a child's
        with open(_path, 'a') as file:
            file.write(json.dumps(line) + '\n')


def _tell_status():
    if 'pyagent' in sys.modules:
        import pyagent

        _write({'status': pyagent.status()})


atexit.register(_tell_status)
