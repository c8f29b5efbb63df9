"""What is put in place of a function: it calls `handler(original, args, kwargs)` while it is on, else the original.

Whatever people ask of a function is answered as the original would: its name and signature, whether it is a coroutine
function, whether it becomes a method where a class holds it, how it is pickled.
"""

from __future__ import absolute_import

import functools
import types

_PLAIN = (types.FunctionType, type(object.__init__), type(str.join))
_KEYWORDS = 0x08  # inspect.CO_VARKEYWORDS
_COROUTINE = 0x80 | 0x100  # inspect.CO_COROUTINE, CO_ITERABLE_COROUTINE


class Unsuitable(Exception):
    """This cannot be wrapped so that nobody notices; the text says why."""


def make(owner, name, raw, inherited, handler, on):
    """A wrapper, working while `on[0]`, of what is stored in a module or class as `name`; raises Unsuitable."""
    function = raw.__func__ if isinstance(raw, staticmethod) else raw
    _check(function, handler)
    if not hasattr(function, '__get__'):
        return Unbound(owner, function, handler, on)
    original = function if function is not raw else _called(owner, name, raw, inherited)
    wrapper = _wrapper(original, handler, on)
    try:
        functools.update_wrapper(wrapper, function)
    except AttributeError:  # 2.7: built-in functions lack some attributes
        wrapper.__name__ = getattr(function, '__name__', name)
        wrapper.__doc__ = getattr(function, '__doc__', None)
    wrapper.__wrapped__ = function
    return wrapper if function is raw else staticmethod(wrapper)


def _check(function, handler):
    if isinstance(function, (classmethod, property)) or not callable(function):
        raise Unsuitable('it is a %s, not a function' % type(function).__name__)
    if isinstance(function, type):
        raise Unsuitable('it is a class, not a function')
    if is_coroutine_function(handler) and not is_coroutine_function(function):
        raise Unsuitable('it is not a coroutine function')


def _called(owner, name, raw, inherited):
    """What is called for `raw` with the instance as first argument. Others' descriptors bind themselves, and what is
    inherited is looked up when it is called: somebody may patch the parent."""
    kind = type(owner)
    if inherited and not isinstance(owner, (type, types.ModuleType)) and hasattr(kind, name):

        def call(*args, **kwargs):  # the method of an object
            return getattr(kind, name)(owner, *args, **kwargs)

    elif not isinstance(owner, type) or isinstance(raw, _PLAIN if not inherited else _PLAIN[1:]):
        return raw
    elif inherited:

        def call(self, *args, **kwargs):
            return getattr(super(owner, self), name)(*args, **kwargs)

    else:

        def call(self, *args, **kwargs):
            return raw.__get__(self, type(self))(*args, **kwargs)

    call.__wrapped__ = raw
    return call


def _wrapper(original, handler, on):
    if not is_coroutine_function(handler):

        def wrapper(*args, **kwargs):
            if not on[0]:
                return original(*args, **kwargs)
            return handler(original, args, kwargs)

        return wrapper
    from .wrappers_py3 import async_wrapper

    return async_wrapper(original, handler, on)


def is_coroutine_function(function):
    """Whether a call returns what is awaited; also of what somebody has wrapped around such a function."""
    for _ in range(32):
        code = getattr(function, '__code__', None)
        if getattr(code, 'co_flags', 0) & _COROUTINE:
            return True
        function = getattr(function, '__wrapped__', None)
    return False


def accepts(function, name):
    """Whether a function takes an argument of this name; one that does not tell is believed to."""
    code = getattr(function, '__code__', None)
    if code is None or code.co_flags & _KEYWORDS:
        return True
    return name in code.co_varnames[: code.co_argcount + getattr(code, 'co_kwonlyargcount', 0)]


class Unbound(object):
    """In place of a callable that does not become a method, such as a function in C (pathlib holds os.open so). It equals
    what it stands for: os.supports_dir_fd and its kin are sets of functions.

    A handler that is `always` called works also while hooks are off: the original asks for its caller's frame.
    """

    def __init__(self, owner, original, handler, on):
        self.__wrapped__, self._handler = original, handler
        self._on = [True] if getattr(handler, 'always', False) else on
        self.__module__, self.__doc__ = owner.__name__, getattr(original, '__doc__', None)

    def __call__(_cowitness_self, *args, **kwargs):
        if not _cowitness_self._on[0]:
            return _cowitness_self.__wrapped__(*args, **kwargs)
        return _cowitness_self._handler(_cowitness_self.__wrapped__, args, kwargs)

    @property
    def __class__(self):
        return self.__wrapped__.__class__

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)

    def __eq__(self, other):
        return self is other or self.__wrapped__ == other

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self.__wrapped__)

    def __repr__(self):
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol):
        return self.__name__
