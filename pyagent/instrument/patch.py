"""The one mechanism of hooking: an attribute is replaced by a wrapper, noted in the ledger, and put back.

A wrapper calls `handler(original, args, kwargs)`; the handler calls the original exactly once, outside of any guard.
Uninstalling turns wrappers into pass-throughs; the original goes back where the wrapper is still on top.
"""

from __future__ import absolute_import

import functools
import inspect
import sys
import types

from ..core import facts, guard
from ..core.ledger import ABSENT, FAILED, INSTALLED, ledger

_MISSING = object()
_installed = []
_state = {'on': False}


class Row(object):
    """A hook as data: which attribute of which module, and what handles the call.

    `attribute` may be dotted: "Class.method". `kind` is "function", "method" or "static".
    """

    def __init__(self, module, attribute, handler):
        self.module, self.attribute, self.handler = module, attribute, handler
        self.target = module + '.' + attribute


def install(row, module):
    """Hook one row of a module that has been imported; notes the outcome, never raises."""
    try:
        owner, name = _find(module, row.attribute)
    except AttributeError:
        ledger.note(row.target, ABSENT, 'this version does not have it')
        return
    try:
        _replace(owner, name, row)
        ledger.note(row.target, INSTALLED)
    except Exception as error:
        guard.swallow('install ' + row.target)
        ledger.note(row.target, FAILED, '%s: %s' % (type(error).__name__, error))


def switch(on):
    """Let wrappers work, or turn them all into pass-throughs."""
    _state['on'] = on


def uninstall_all():
    """Put the originals back where nobody has wrapped ours since."""
    switch(False)
    while _installed:
        owner, name, wrapper, original = _installed.pop()
        if vars(owner).get(name) is not wrapper:
            continue
        if original is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _find(module, attribute):
    owner = module
    parts = attribute.split('.')
    for part in parts[:-1]:
        owner = getattr(owner, part)
    getattr(owner, parts[-1])
    return owner, parts[-1]


def _replace(owner, name, row):
    own = vars(owner).get(name, _MISSING)
    static = isinstance(own, staticmethod)
    original = _callable(owner, name, own)
    if (
        getattr(original, '_cowitness', None) is row.handler
    ):  # the same function under a second name
        _installed.append((owner, name, own, original.__wrapped__))
        return
    wrapper = _wrapper(original, row.handler)
    stored = staticmethod(wrapper) if static else wrapper
    setattr(owner, name, stored)
    _installed.append((owner, name, vars(owner).get(name), own))


def _callable(owner, name, own):
    """The plain function behind an attribute, also on 2.7 with its unbound methods."""
    if own is _MISSING or isinstance(own, staticmethod):
        found = getattr(owner, name)
        return getattr(found, '__func__', found)
    return own


def _wrapper(original, handler):
    if facts.HAS_ASYNC and inspect.iscoroutinefunction(handler):  # novm
        from .patch_py3 import async_wrapper

        wrapper = async_wrapper(original, handler, _state)
    else:
        wrapper = _plain_wrapper(original, handler, _state)
    try:
        functools.update_wrapper(wrapper, original)
    except AttributeError:  # 2.7: built-in functions lack some attributes
        wrapper.__name__ = getattr(original, '__name__', 'wrapper')
        wrapper.__doc__ = getattr(original, '__doc__', None)
    wrapper.__wrapped__ = original
    wrapper._cowitness = handler
    if not hasattr(original, '__get__'):
        return types.MethodType(wrapper, original)
    return wrapper


def _plain_wrapper(original, handler, state):
    if not hasattr(original, '__get__'):
        return _builtin_wrapper(original, handler, state)

    def wrapper(*args, **kwargs):
        if not state['on']:
            return original(*args, **kwargs)
        return handler(original, args, kwargs)

    return wrapper


def _builtin_wrapper(original, handler, state):
    """A function in C does not become a method where a class holds it (pathlib does so with os.open), nor does this:
    it is made a method of the original, and what is bound is not bound again."""

    def wrapper(_cowitness_bound, *args, **kwargs):
        if not state['on']:
            return original(*args, **kwargs)
        return handler(original, args, kwargs)

    return wrapper


def frame_stack(skip, limit=16):
    """Where the app stands: "file:line function", innermost first, without the agent's own frames."""
    frame, lines = sys._getframe(skip), []
    while frame is not None and len(lines) < limit:
        code = frame.f_code
        if 'pyagent' not in code.co_filename:
            lines.append('%s:%d %s' % (code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    return lines
