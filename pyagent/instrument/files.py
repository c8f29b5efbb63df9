"""Hooks of opened files."""

from __future__ import absolute_import

from ..core.context import Operation
from ..core.names import builtins
from .operation import around
from .patch import Row


def opened(system):
    """Describe open(path, mode); a descriptor number is no path."""

    def describe(args, kwargs):
        path = args[0] if args else kwargs.get('file', kwargs.get('path', kwargs.get('name')))
        if isinstance(path, int) or path is None:
            return None
        mode = args[1] if len(args) > 1 else kwargs.get('mode', kwargs.get('flags', 'r'))
        if hasattr(path, '__fspath__'):
            path = path.__fspath__()
        return Operation('file', path, system, flags=str(mode)[:16])

    return describe


ROWS = [
    Row(builtins.__name__, 'open', around(opened('open'))),
    Row('io', 'open', around(opened('open'))),
    Row('os', 'open', around(opened('os.open'))),
]
