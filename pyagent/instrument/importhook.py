"""Tells when a module has been imported, so that a library is hooked when the app loads it and never loaded by us.

A finder at the front of sys.meta_path: on 3.x it lends the real loader an `exec_module` that calls back afterwards, and
takes itself out of the module's spec again; on 2.7 it imports the module itself, once, and calls back.
"""

from __future__ import absolute_import

import sys
import threading

from ..core import guard

_callbacks = {}
_busy = threading.local()


def when_imported(name, callback):
    """Call `callback(module)` when `name` is imported; now, if it is already."""
    if sys.modules.get(name) is not None:
        _call(callback, sys.modules[name])
    else:
        _callbacks.setdefault(name, []).append(callback)


def install():
    """Put the finder in place."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall():
    """Take the finder away and forget the callbacks."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _callbacks.clear()


def _call(callback, module):
    try:
        callback(module)
    except Exception:
        guard.swallow('import of ' + getattr(module, '__name__', '?'))


def _loaded(name, module):
    for callback in _callbacks.pop(name, ()):
        _call(callback, module)


def _names():
    if not hasattr(_busy, 'names'):
        _busy.names = set()
    return _busy.names


class _Loader(object):
    """Stands in for a loader during one import; everything else is asked of the real one."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        create = getattr(self._loader, 'create_module', None)
        return create(spec) if create is not None else None

    def exec_module(self, module):
        spec = getattr(module, '__spec__', None)
        if spec is not None and spec.loader is self:
            spec.loader = self._loader
        if getattr(module, '__loader__', None) is self:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        _loaded(module.__name__, module)


class _Finder(object):
    """One per process, on sys.meta_path."""

    def find_spec(self, name, path=None, target=None):
        busy = _names()
        if name not in _callbacks or name in busy:
            return None
        busy.add(name)
        try:
            spec = _real_spec(name, path, target)
            if spec is not None and hasattr(spec.loader, 'exec_module'):
                spec.loader = _Loader(spec.loader)
            return spec
        finally:
            busy.discard(name)

    if sys.version_info[0] == 2:

        def find_module(self, name, path=None):
            if name in _callbacks and name not in _names():
                return self
            return None

        def load_module(self, name):
            busy = _names()
            busy.add(name)
            try:
                __import__(name)
            finally:
                busy.discard(name)
            module = sys.modules[name]
            _loaded(name, module)
            return module


def _real_spec(name, path, target):
    for finder in sys.meta_path:
        if finder is _finder or not hasattr(finder, 'find_spec'):
            continue
        spec = finder.find_spec(name, path, target)
        if spec is not None:
            return spec
    return None


_finder = _Finder()
