"""`cowitness-run CMD [ARG...]`: run a command with the agent in its Python processes, no change of code needed.

It puts a `sitecustomize` in front of PYTHONPATH and executes the command in this process.
"""

from __future__ import absolute_import, print_function

import os
import sys

HELP = '''usage: cowitness-run COMMAND [ARGUMENT...]

Runs COMMAND with the Cowitness agent in every Python process that it starts.

environment:
  COWITNESS_MODE         off, monitor (default) or block
  COWITNESS_RUN_DIR      where the collector's sockets are (default /run/cowitness)
  COWITNESS_ADDRESS      the collector's loopback address and port, in place of its socket
  COWITNESS_TOKEN        what it wants to hear there first (else from COWITNESS_TOKEN_FILE, else agent.token beside it)
  COWITNESS_SERVICE      the service's name (else OTEL_SERVICE_NAME, DD_SERVICE)
  COWITNESS_DEADLINE_MS  how long a verdict may take in block mode (1 to 1000, default 20)
  COWITNESS_ATTACK_DEADLINE_MS  the same, where something was found in the request (1 to 5000, default 250)
  COWITNESS_USER_MODE    ids (default: ids of users, their names as digests), identification, anonymisation or disabled
  COWITNESS_USER_SALT    a secret of this installation, mixed into those digests
  COWITNESS_BODY_BYTES   how much of a request body is kept (default 131072)
  COWITNESS_PROPAGATE    on (default) or off: outbound requests and queued tasks carry a traceparent

examples:
  cowitness-run gunicorn shop.wsgi
  COWITNESS_MODE=block cowitness-run flask --app shop run
'''


def main(words=None):
    """The command's entry point; returns an exit code only where the command could not be executed."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0] in ('-h', '--help'):
        (sys.stdout if words else sys.stderr).write(HELP)
        return 0 if words else 2
    if words[0] == '--version':
        from pyagent.core.link import VERSION

        print('cowitness-run ' + VERSION)
        return 0
    if words[0] == '--':
        words = words[1:]
    return _execute(words, environment(os.environ))


def environment(environ):
    """The environment in which Python finds the agent first."""
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [os.path.join(here, 'bootstrap')]
    if environ.get('PYTHONPATH'):
        paths.append(environ['PYTHONPATH'])
    return dict(environ, PYTHONPATH=os.pathsep.join(paths))


def _execute(words, environ):
    try:
        if not hasattr(os, 'fork'):  # nor an exec that takes the place of this process
            import subprocess

            return subprocess.call(words, env=environ)
        os.execvpe(words[0], words, environ)
    except OSError as error:
        print('cowitness-run: cannot run %s: %s' % (words[0], error.strerror), file=sys.stderr)
        return 127 if error.errno == 2 else 126


if __name__ == '__main__':
    sys.exit(main())
