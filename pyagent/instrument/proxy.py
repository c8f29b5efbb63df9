"""Stand-ins: what an app or a server holds in the place of an object of its own, and cannot tell from it."""

from __future__ import absolute_import

import types

from ..core import facts

MAX_KINDS = 256
_OWN = frozenset((
    '__class__', '__class_getitem__', '__del__', '__delattr__', '__dict__', '__dir__', '__doc__', '__getattr__',
    '__getattribute__', '__init__', '__init_subclass__', '__module__', '__new__', '__reduce_ex__', '__repr__',
    '__setattr__', '__slots__', '__subclasshook__', '__weakref__',
))  # fmt: skip
_OLD_STYLE = getattr(types, 'InstanceType', None)
_made = {}


class Proxy(object):
    """Hands everything through to `_cowitness_inner`; subclasses watch some of it."""

    __slots__ = ('_cowitness_inner',)

    def __init__(self, inner):
        object.__setattr__(self, '_cowitness_inner', inner)

    @property
    def __class__(self):
        return self._cowitness_inner.__class__

    def __getattr__(self, name):
        return getattr(self._cowitness_inner, name)

    def __setattr__(self, name, value):
        setattr(self._cowitness_inner, name, value)

    def __delattr__(self, name):
        delattr(self._cowitness_inner, name)

    def __repr__(self):
        return repr(self._cowitness_inner)

    def __dir__(self):
        return dir(self._cowitness_inner)

    def __reduce_ex__(self, protocol):
        return self._cowitness_inner.__reduce_ex__(protocol)


def class_for(base, inner, watched):
    """`base` with those special methods that the class of `inner` has: Python looks for them on the class only.

    `watched` {name: function} stand in for what only passes on otherwise.
    """
    kind = type(inner)
    if kind is _OLD_STYLE:
        kind = inner.__class__
    made = _made.get((base, kind))
    if made is None:
        members = dict((n, watched.get(n) or _passed_on(n, f)) for n, f in _special(kind))
        made = type(base.__name__, (base,), dict(members, __slots__=()))
        if len(_made) < MAX_KINDS:
            _made[base, kind] = made
    return made


def _special(kind):
    """[(name, method)] of the special methods that a class has beyond every object's."""
    found = [(n, getattr(kind, n, None)) for n in dir(kind) if n not in _OWN and _is_special(n)]
    found = [(n, f) for n, f in found if f is not getattr(object, n, None)]
    return [(n, f) for n, f in found if callable(f) or n == '__hash__']


def _is_special(name):
    return name[:2] == name[-2:] == '__' or (name == 'next' and not facts.TEXT_IS_UNICODE)


def _passed_on(name, function):
    if function is None:  # __hash__ of what has none
        return None

    def method(self, *args, **kwargs):
        result = getattr(self._cowitness_inner, name)(*args, **kwargs)
        return self if name == '__enter__' and result is self._cowitness_inner else result

    return method
