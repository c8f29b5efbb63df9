"""Launchers (opentelemetry-instrument) that put a sitecustomize of their own in front of ours and start the app by exec:
ours, which hands over to theirs, goes in front again. Theirs would hand over to nobody, and the app run without us.
"""

from __future__ import absolute_import

import os

from ..core import guard
from .patch import Row

BOOTSTRAP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'bootstrap')


def replaced(original, args, kwargs):
    """os.execv(path, args): every exec with this process's environment comes here."""
    path = _path(os.environ)
    if path:
        os.environ['PYTHONPATH'] = path
    return original(*args, **kwargs)


def replaced_with(original, args, kwargs):
    """os.execve(path, args, env)."""
    path = _path(args[2]) if len(args) == 3 else None
    if path:
        args = args[:2] + (dict(args[2], PYTHONPATH=path),)
    return original(*args, **kwargs)


@guard.guarded
def _path(environ):
    """A PYTHONPATH with our directory first, where it stands further behind; else None."""
    paths = (environ.get('PYTHONPATH') or '').split(os.pathsep)
    if BOOTSTRAP in paths[1:] and paths[0] != BOOTSTRAP:
        return os.pathsep.join([BOOTSTRAP] + [path for path in paths if path != BOOTSTRAP])
    return None


ROWS = [Row('os', 'execv', replaced), Row('os', 'execve', replaced_with)]
