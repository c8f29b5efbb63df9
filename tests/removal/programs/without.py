"""Another system, played: names that it lacks are taken away, flags of pyagent.core.facts are off, before anything
else of the agent is loaded; then the agent's own tests run, and a small app.

`python -m tests.removal.programs.without SYSTEM MODULE...`, in the grammar of 2.7.
"""

from __future__ import absolute_import, print_function

import io
import json
import os
import signal
import socket
import sys
import unittest

# What each lacks: flags, and names of the standard library.
SYSTEMS = {
    'windows': (
        ['HAS_UNIX_SOCKETS', 'HAS_MARKS', 'HAS_FORK', 'HAS_FORK_HOOKS'],
        [(socket, 'AF_UNIX'), (os, 'fork'), (os, 'forkpty'), (os, 'register_at_fork'), (os, 'posix_spawn'),
         (os, 'posix_spawnp'), (os, 'getppid'), (os, 'lseek'), (signal, 'SIGKILL'), (signal, 'SIGCHLD')],
    ),
    'macos': (['HAS_MARKS'], []),
    'old': (['HAS_AUDIT', 'HAS_ASYNC', 'HAS_TIMED_LOCKS'], []),
    'unreachable': (['HAS_UNIX_SOCKETS'], []),
}  # fmt: skip


class Facts(object):
    """Loads pyagent.core.facts and switches flags off, whoever imports it first."""

    NAME = 'pyagent.core.facts'

    def __init__(self, flags):
        self._flags = flags

    def switch(self, module):
        for flag in self._flags:
            setattr(module, flag, False)

    def find_module(self, name, path=None):
        return self if name == self.NAME else None

    def load_module(self, name):
        import imp

        module = imp.load_source(name, os.path.join('pyagent', 'core', 'facts.py'))
        self.switch(module)
        return module

    def find_spec(self, name, path=None, target=None):
        if name != self.NAME:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (execute(module), self.switch(module))
        return spec


def play(system):
    """Be this system from now on."""
    flags, names = SYSTEMS[system]
    for owner, name in names:
        if hasattr(owner, name) and (name != 'fork' or str is not bytes):  # 2.7's subprocess finds it there
            delattr(owner, name)
    sys.meta_path.insert(0, Facts(flags))


def run(modules):
    """The agent's own tests of these modules: (how many ran, what failed)."""
    suite = unittest.defaultTestLoader.loadTestsFromNames(['tests.pyagent.' + name for name in modules])
    result = unittest.TextTestRunner(stream=io.StringIO() if str is not bytes else io.BytesIO()).run(suite)
    failed = ['%s: %s' % (test, text[-1500:]) for test, text in result.failures + result.errors]
    return result.testsRun, [str(test) for test, _ in result.skipped], failed


def serve():
    """A small app, turned on as people do, nobody to talk to: (its answer, what status() says it lacks)."""
    import pyagent
    from tests.pyagent.support import environ

    pyagent.enable()
    try:

        def application(environ, start_response):
            start_response('200 OK', [])
            with open(os.devnull) as file:
                return [b'hello', file.read().encode('ascii')]

        answer = b''.join(pyagent.wrap_wsgi(application)(environ(), lambda *args: None)).decode('ascii')
        status = pyagent.status()
        return answer, status['lacking'], status['last_error'], status['problems']
    finally:
        pyagent.disable()


def main():
    play(sys.argv[1])
    served = serve()
    count, skipped, failed = run(sys.argv[2:])
    print(json.dumps({'served': served, 'ran': count, 'skipped': skipped, 'failed': failed}))


if __name__ == '__main__':
    main()
