"""Loaded by every Python process of a suite's run: what the guard of a watched one swallows is written down."""

from __future__ import absolute_import

import os
import sys
import traceback

_path = os.environ.get('SUITE_SWALLOWED')


def _write(where, error):
    with open(_path, 'a') as file:
        file.write('%s in pid %d\n%s\n' % (where, os.getpid(), traceback.format_exc()))


if 'pyagent' in sys.modules and _path:
    from pyagent.core import guard

    guard.on_error(_write)
