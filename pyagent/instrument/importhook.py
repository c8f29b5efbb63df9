"""Tells when a module has been imported, so that a library is hooked when the app loads it and never loaded by us.

A finder at the front of sys.meta_path. On 3.x it lends the real loader's methods a stand-in that calls back afterwards
and takes itself out of the module and its spec again; on 2.7, which knows no specs, it imports the module itself.
"""

from __future__ import absolute_import

import pkgutil
import sys
import threading

from ..core import facts, guard

_callbacks = {}
_busy = threading.local()


def when_imported(name, callback):
    """Call `callback(module)` whenever `name` has been imported (again); now, too, if it is already."""
    _callbacks.setdefault(name, []).append(callback)
    if sys.modules.get(name) is not None:
        _call(callback, sys.modules[name])


def awaited(name):
    """Whether somebody wants to hear of this module."""
    return name in _callbacks


def loaded(name, module):
    """It has been imported past our finder."""
    _loaded(name, module)


def install():
    """Put the finder in place."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall():
    """Take the finder away and forget the callbacks."""
    _callbacks.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def _call(callback, module):
    try:
        callback(module)
    except Exception:
        guard.swallow('import of ' + getattr(module, '__name__', '?'))


@guard.guarded
def _loaded(name, module):
    """What stands in sys.modules counts: some modules put another object there while they are loaded."""
    module = sys.modules.get(name, module)
    for callback in tuple(_callbacks.get(name, ())):
        _call(callback, module)


@guard.guarded
def _enter(name):
    """Whether this thread begins to look for `name`; not where nobody waits for it, or it is looking already."""
    if name not in _callbacks or name in _names():
        return False
    _names().add(name)
    return True


def _names():
    if not hasattr(_busy, 'names'):
        _busy.names = set()
    return _busy.names


@guard.guarded
def _leave(name):
    _names().discard(name)


class _Loader(object):
    """Stands in for a loader during one import; all that it does is the real one's."""

    def __init__(self, loader, spec=None):
        self._loader, self._spec = loader, spec
        if hasattr(loader, 'exec_module'):
            self.exec_module = self._exec
        else:
            self.load_module = self._load

    @property
    def __class__(self):
        return self._loader.__class__

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def _exec(self, module):
        self._withdraw(module)
        self._loader.exec_module(module)
        _loaded(self._spec.name, module)

    def _load(self, name):
        self._withdraw(None)
        module = self._loader.load_module(name) if facts.HAS_SPECS else _imported(name)
        _loaded(name, module)
        return module

    @guard.guarded
    def _withdraw(self, module):
        if self._spec is not None and self._spec.loader is self:
            self._spec.loader = self._loader
        if getattr(module, '__loader__', None) is self:
            module.__loader__ = self._loader


def _imported(name):
    """On 2.7 the interpreter's own import has no loader, and pkgutil's resolve links on the way."""
    _enter(name)
    try:
        __import__(name)
    finally:
        _leave(name)
    return sys.modules[name]


class _Finder(object):
    """One per process, on sys.meta_path."""

    if facts.HAS_SPECS:

        def find_spec(self, name, path=None, target=None):
            if not _enter(name):
                return None
            try:
                spec = _real_spec(name, path, target)
            finally:
                _leave(name)
            _lend(spec)
            return spec

    else:

        def find_module(self, name, path=None):
            if sys.modules.get(name) is not None or not _enter(name):
                return None
            try:
                loader = pkgutil.find_loader(name)
            finally:
                _leave(name)
            return None if loader is None else _Loader(loader)


@guard.guarded
def _lend(spec):
    loader = getattr(spec, 'loader', None)
    if hasattr(loader, 'exec_module') or hasattr(loader, 'load_module'):
        spec.loader = _Loader(loader, spec)


def _real_spec(name, path, target):
    """What the finders behind ours say, as importlib asks them."""
    for finder in list(sys.meta_path):
        spec = None
        if finder is _finder:
            continue
        if hasattr(finder, 'find_spec'):
            spec = finder.find_spec(name, path, target)
        elif facts.HAS_OLD_FINDERS and hasattr(finder, 'find_module'):
            spec = _spec_of(name, finder.find_module(name, path))
        if spec is not None:
            return spec
    return None


def _spec_of(name, loader):
    from importlib.util import spec_from_loader  # novm

    return None if loader is None else spec_from_loader(name, loader)  # novm


_finder = _Finder()
