"""What the sites do, the same for all of them."""

import os
import subprocess

try:
    from urllib.request import urlopen
except ImportError:
    from urllib2 import urlopen

USER, PASSWORD, USER_ID = 'ada', 'lovelace', 1
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'acts.py')


def run(argument):
    """Hand an argument to a shell as no app should; what it printed, as text."""
    return subprocess.check_output('echo -n ' + argument, shell=True).decode('utf-8')


def go(url):
    """What another service answers."""
    answer = urlopen(url, timeout=20)
    try:
        return answer.read().decode('utf-8')
    finally:
        answer.close()


def fail():
    """What a view raises."""
    raise ValueError('the view failed')


def parts(how):
    """An answer as it comes: `whole`, `none` (fails before its first part), `half` (after it), or `endless`."""
    if how == 'none':
        fail()
    yield b'first, '
    if how == 'half':
        fail()
    while how == 'endless':
        yield b'x' * 65536
    yield b'second'
