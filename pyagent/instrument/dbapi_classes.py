"""Drivers in C whose connections and cursors can be of classes that one lends them: sqlite3 and psycopg2.

The lent class stands between the app's own class and the driver's: what the app's methods hand upwards passes by, type
checks hold, and C functions of the driver that want their own types get them.
"""

from __future__ import absolute_import

from ..core import guard
from .dbapi import METHODS
from .wrappers import accepts

_lent = {}
_SHORTCUTS = ('execute', 'executemany', 'executescript')


@guard.guarded
def cursor_class(driver, base):
    """A subclass of a driver's (or the app's own) cursor class whose statements are operations; None for what is no class."""
    if not isinstance(base, type):
        return None
    key = ('cursor', driver.system, base)
    if key not in _lent:
        members = dict(
            (name, _traced(driver, getattr(base, name), name))
            for name in METHODS
            if hasattr(base, name)
        )
        members['__module__'] = base.__module__
        members['__doc__'] = base.__doc__
        _lent[key] = type(base)(base.__name__, (base,), members)
    return _lent[key]


def _traced(driver, function, name):
    handler = driver.call_handler if name == 'callproc' else driver.handler

    def method(self, *args, **kwargs):
        return handler(function, (self,) + args, kwargs)

    method.__name__ = name
    return method


def connection_class(driver, base, make_bottom):
    """A class for `base` (the driver's connection class or the app's own) whose cursors are traced."""
    key = ('connection', driver.system, base)
    if key not in _lent:
        bottom_key = ('bottom', driver.system)
        if bottom_key not in _lent:
            _lent[bottom_key] = make_bottom(driver)
        bottom = _lent[bottom_key]
        bases = (bottom,) if base is bottom.__mro__[1] else (base, bottom)
        members = {'__module__': base.__module__, '__doc__': base.__doc__}
        _lent[key] = type(base)(base.__name__, bases, members)
    return _lent[key]


def sqlite_bottom(driver):
    """sqlite3.Connection with traced cursors; its shortcuts go through them in every version of CPython."""
    import sqlite3

    class Connection(sqlite3.Connection):
        def cursor(self, factory=sqlite3.Cursor, *args, **kwargs):
            factory = cursor_class(driver, factory) or factory
            return sqlite3.Connection.cursor(self, factory, *args, **kwargs)

    for name in _SHORTCUTS:
        setattr(Connection, name, _shortcut(name))
    return Connection


def _shortcut(name):
    """Connection.execute and its kin: some versions of sqlite3 make their cursor past `cursor()`."""

    def method(self, *args):
        cursor = self.cursor()
        getattr(cursor, name)(*args)
        return cursor

    method.__name__ = name
    return method


def psycopg2_bottom(driver):
    """psycopg2's connection with traced cursors, whatever class they are asked to be of."""
    from psycopg2 import extensions

    class connection(extensions.connection):
        def cursor(self, *args, **kwargs):
            asked = args[1] if len(args) > 1 else kwargs.get('cursor_factory')
            factory = cursor_class(driver, asked or self.cursor_factory or extensions.cursor)
            if factory is not None and len(args) > 1:
                args = (args[0], factory) + args[2:]
            elif factory is not None:
                kwargs['cursor_factory'] = factory
            return extensions.connection.cursor(self, *args, **kwargs)

    return connection


def connect_handler(driver, parameter, place, default, make_bottom):
    """A handler for a `connect` that takes a connection class as `parameter`, or at `place` among the arguments.

    `default()` is the driver's own class.
    """

    @guard.guarded
    def lend(original, args, kwargs):
        at_place = len(args) > place
        if not accepts(original, parameter):
            return None
        base = (args[place] if at_place else kwargs.get(parameter)) or default()
        if not isinstance(base, type):
            return None
        lent = connection_class(driver, base, make_bottom)
        if at_place:
            return args[:place] + (lent,) + args[place + 1 :], kwargs
        return args, dict(kwargs, **{parameter: lent})

    def handler(original, args, kwargs):
        args, kwargs = lend(original, args, kwargs) or (args, kwargs)
        return original(*args, **kwargs)

    return handler
