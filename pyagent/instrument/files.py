"""Hooks of what is done to files by their names."""

from __future__ import absolute_import

from ..core.context import Operation
from ..core.names import builtins, text_type
from .operation import around
from .patch import Row


def opened(system):
    """Describe open(path, mode); a descriptor number is no path."""

    def describe(args, kwargs):
        path = args[0] if args else kwargs.get('file', kwargs.get('path', kwargs.get('name')))
        if isinstance(path, int) or path is None:
            return None
        mode = args[1] if len(args) > 1 else kwargs.get('mode', kwargs.get('flags', 'r'))
        return Operation('file', _path(path), system, flags=str(mode)[:16])

    return describe


def named(system, *arguments):
    """Describe a call whose first arguments, of these names, are paths; one by a descriptor is of no interest."""

    def describe(args, kwargs):
        given = zip(arguments, tuple(args) + (None,) * len(arguments))
        paths = [_path(kwargs.get(name, value)) for name, value in given]
        if not all(isinstance(path, (bytes, text_type)) for path in paths):
            return None
        words = paths if len(paths) > 1 else ()
        return Operation('file', paths[0], system, argv=words, flags=system.partition('.')[2])

    return describe


def _path(value):
    return value.__fspath__() if hasattr(value, '__fspath__') else value


ROWS = [
    Row(builtins.__name__, 'open', around(opened('open'))),
    Row('io', 'open', around(opened('open'))),
    Row('os', 'open', around(opened('os.open'))),
]
for _name in ('remove', 'unlink', 'rmdir', 'listdir', 'scandir', 'chmod', 'truncate', 'mkdir'):
    ROWS.append(Row('os', _name, around(named('os.' + _name, 'path'))))
for _name in ('rename', 'replace', 'symlink', 'link'):
    ROWS.append(Row('os', _name, around(named('os.' + _name, 'src', 'dst'))))
