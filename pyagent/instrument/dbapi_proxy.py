"""Drivers in C that lend no classes: connections and cursors are handed out behind proxies that pass everything on."""

from __future__ import absolute_import

from .proxy import Proxy

_METHODS = ('execute', 'executemany', 'callproc')


class _Proxy(Proxy):
    """Knows the driver that it came from."""

    __slots__ = ('_cowitness_driver',)

    def __init__(self, inner, driver):
        Proxy.__init__(self, inner)
        object.__setattr__(self, '_cowitness_driver', driver)

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
        inner, driver = self._cowitness_inner, self._cowitness_driver
        function = getattr(inner, name)

        def call(_, *args, **kwargs):
            result = function(*args, **kwargs)
            return self if result is inner else result

        handler = driver.call_handler if name == 'callproc' else driver.handler
        return handler(call, (self,) + args, kwargs)

    method.__name__ = name
    return method


for _name in _METHODS:
    setattr(CursorProxy, _name, _proxied(_name))


def connect_by_proxy(driver):
    """A handler for any `connect` that returns a PEP 249 connection."""

    def handler(original, args, kwargs):
        return ConnectionProxy(original(*args, **kwargs), driver)

    return handler
