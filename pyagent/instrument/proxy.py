"""Stand-ins: what an app or a server holds in the place of an object of its own, and cannot tell from it."""

from __future__ import absolute_import

import types

from ..core import facts

MAX_KINDS = 256
_SPECIAL = (
    '__len__', '__bool__', '__nonzero__', '__contains__', '__getitem__', '__reversed__', '__length_hint__',
    '__iter__', '__next__' if facts.TEXT_IS_UNICODE else 'next', '__enter__', '__exit__',
)  # fmt: skip
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


def class_for(base, inner, watched):
    """`base` with those special methods that the class of `inner` has: Python looks for them on the class only.

    `watched` {name: function} stand in for what only passes on otherwise.
    """
    kind = type(inner)
    if kind is _OLD_STYLE:
        kind = inner.__class__
    made = _made.get((base, kind))
    if made is None:
        members = dict((n, watched.get(n) or _passed_on(n)) for n in _SPECIAL if hasattr(kind, n))
        made = type(base.__name__, (base,), dict(members, __slots__=()))
        if len(_made) < MAX_KINDS:
            _made[base, kind] = made
    return made


def _passed_on(name):
    def method(self, *args):
        result = getattr(self._cowitness_inner, name)(*args)
        return self if name == '__enter__' and result is self._cowitness_inner else result

    return method
