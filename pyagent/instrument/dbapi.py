"""PEP 249 drivers: every statement that a cursor executes is an operation.

Connections and cursors are lent a class: where the driver takes a `factory` (sqlite3) a subclass of its own, so that
type checks, C fast paths and other people's factories still work; elsewhere a proxy that hands everything through.
"""

from __future__ import absolute_import

from ..core import guard
from ..core.context import Operation
from .operation import around
from .patch import Row

_METHODS = ('execute', 'executemany', 'executescript', 'callproc')
_subclasses = {}


class Driver(object):
    """What is known of a driver: its name and the dialect that its statements are in."""

    def __init__(self, system, dialect):
        self.system, self.dialect = system, dialect
        self.handler = around(self.describe)

    def describe(self, args, kwargs):
        """Describe cursor.execute(self, statement, parameters)."""
        statement = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        parameters = args[2] if len(args) > 2 else None
        if not isinstance(statement, (str, bytes)) and not hasattr(statement, 'encode'):
            statement = str(statement)
        return Operation(
            'sql', statement, self.system, dialect=self.dialect, parameterised=bool(parameters)
        )


def _traced(driver, name, function):
    def method(self, *args, **kwargs):
        return driver.handler(function, (self,) + args, kwargs)

    method.__name__ = name
    return method


# Drivers with factories.


def cursor_class(driver, base):
    """A subclass of a driver's (or the app's own) cursor class."""
    key = ('cursor', driver.system, base)
    if key not in _subclasses:
        members = dict(
            (name, _traced(driver, name, getattr(base, name)))
            for name in _METHODS
            if hasattr(base, name)
        )
        members['__module__'] = base.__module__
        _subclasses[key] = type(base)(base.__name__, (base,), members)
    return _subclasses[key]


def connection_class(driver, base, cursor_base):
    """A subclass of a driver's (or the app's own) connection class; its cursors are traced."""
    key = ('connection', driver.system, base)
    if key not in _subclasses:

        def cursor(self, factory=cursor_base, *args, **kwargs):
            if isinstance(factory, type):
                factory = cursor_class(driver, factory)
            return base.cursor(self, factory, *args, **kwargs)

        members = dict((name, _shortcut(name)) for name in _METHODS[:3])
        members.update(cursor=cursor, __module__=base.__module__)
        _subclasses[key] = type(base)(base.__name__, (base,), members)
    return _subclasses[key]


def _shortcut(name):
    """Connection.execute and its kin: some versions of sqlite3 make their cursor past `cursor()`."""

    def method(self, *args):
        cursor = self.cursor()
        getattr(cursor, name)(*args)
        return cursor

    method.__name__ = name
    return method


def connect_by_factory(driver):
    """A handler for a `connect` that takes `factory`, a connection class."""

    def handler(original, args, kwargs):
        return original(*args, **(_with_factory(driver, args, kwargs) or kwargs))

    return handler


@guard.guarded
def _with_factory(driver, args, kwargs):
    import sqlite3

    base = kwargs.get('factory', sqlite3.Connection)
    if len(args) > 5 or not isinstance(base, type):
        return None
    return dict(kwargs, factory=connection_class(driver, base, sqlite3.Cursor))


# Other drivers.


class _Proxy(object):
    """Hands everything through to `_cowitness_inner`."""

    def __init__(self, inner, driver):
        object.__setattr__(self, '_cowitness_inner', inner)
        object.__setattr__(self, '_cowitness_driver', driver)

    def __getattr__(self, name):
        return getattr(self._cowitness_inner, name)

    def __setattr__(self, name, value):
        setattr(self._cowitness_inner, name, value)

    def __delattr__(self, name):
        delattr(self._cowitness_inner, name)

    def __repr__(self):
        return repr(self._cowitness_inner)

    def __exit__(self, *exc_info):
        return self._cowitness_inner.__exit__(*exc_info)


class ConnectionProxy(_Proxy):
    """A connection whose cursors are traced."""

    def cursor(self, *args, **kwargs):
        inner = self._cowitness_inner.cursor(*args, **kwargs)
        return CursorProxy(inner, self._cowitness_driver)

    def __enter__(self):
        inner = self._cowitness_inner.__enter__()
        if inner is self._cowitness_inner:
            return self
        return CursorProxy(inner, self._cowitness_driver) if hasattr(inner, 'execute') else inner


class CursorProxy(_Proxy):
    """A cursor whose statements are operations."""

    def __iter__(self):
        return iter(self._cowitness_inner)

    def __next__(self):
        return next(self._cowitness_inner)

    next = __next__

    def __enter__(self):
        inner = self._cowitness_inner.__enter__()
        return self if inner is self._cowitness_inner else inner


def _proxied(name):
    def method(self, *args, **kwargs):
        inner = self._cowitness_inner
        function = getattr(inner, name)

        def call(_, *args, **kwargs):
            result = function(*args, **kwargs)
            return self if result is inner else result

        return self._cowitness_driver.handler(call, (self,) + args, kwargs)

    method.__name__ = name
    return method


for _name in _METHODS[:2] + _METHODS[3:]:
    setattr(CursorProxy, _name, _proxied(_name))


def connect_by_proxy(driver):
    """A handler for any `connect` that returns a PEP 249 connection."""

    def handler(original, args, kwargs):
        return ConnectionProxy(original(*args, **kwargs), driver)

    return handler


SQLITE = Driver('sqlite3', 'sqlite')

ROWS = [
    Row('sqlite3', 'connect', connect_by_factory(SQLITE)),
    Row('sqlite3.dbapi2', 'connect', connect_by_factory(SQLITE)),
]
for _module, _dialect in (('pymysql', 'mysql'), ('MySQLdb', 'mysql'), ('mariadb', 'mysql')):
    ROWS.append(Row(_module, 'connect', connect_by_proxy(Driver(_module, _dialect))))
