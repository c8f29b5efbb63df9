"""The one mechanism of hooking: an attribute is replaced by a wrapper, noted in the ledger, and put back.

A wrapper calls `handler(original, args, kwargs)`; the handler calls the original exactly once, outside of any guard.
Uninstalling turns wrappers into pass-throughs; the original goes back where the wrapper is still on top. Installing again
puts the same wrapper back, so that copies that an app has taken (`from os import system`) work again, too.
"""

from __future__ import absolute_import

from ..core import guard
from ..core.ledger import ABSENT, FAILED, INSTALLED, ledger
from . import wrappers

_MISSING = object()
_made = {}
_ours = {}
_placed = {}


class Row(object):
    """A hook as data: which attribute of which module (it may be dotted: "Class.method", "object.method"), and what
    handles the call."""

    def __init__(self, module, attribute, handler):
        self.module, self.attribute, self.handler = module, attribute, handler
        self.target = module + '.' + attribute


def before(note):
    """A handler that tells `note(args, kwargs)` of the call, then makes it. Its errors are ours; it may raise Blocked."""
    note = guard.guarded(note)

    def handler(original, args, kwargs):
        note(args, kwargs)
        return original(*args, **kwargs)

    return handler


def after(note):
    """A handler that makes the call, then tells `note(args, kwargs, result)` of it, where it returned."""
    note = guard.guarded(note)

    def handler(original, args, kwargs):
        result = original(*args, **kwargs)
        note(args, kwargs, result)
        return result

    return handler


class _Made(object):
    """A wrapper of `raw`, working while `on[0]`. Kept for good, and shared by all places where `raw` is stored; where
    it is only inherited, by its `heir` alone."""

    __slots__ = ('raw', 'heir', 'handler', 'wrapper', 'on')

    def __init__(self, owner, name, raw, inherited, handler):
        self.raw, self.heir = raw, owner if inherited else None
        self.handler, self.on = handler, [False]
        self.wrapper = wrappers.make(owner, name, raw, inherited, handler, self.on)


def install(row, module):
    """Hook one row of a module that has been imported; notes the outcome, never raises."""
    try:
        found = _find(module, row.attribute)
        if found is None:
            ledger.note(row.target, ABSENT, 'this version does not have it')
        else:
            _place(row.handler, *found)
            ledger.note(row.target, INSTALLED)
    except wrappers.Unsuitable as error:
        ledger.note(row.target, FAILED, str(error))
    except Exception as error:
        guard.swallow('install ' + row.target)
        ledger.note(row.target, FAILED, '%s: %s' % (type(error).__name__, error))


def uninstall_all():
    """Put the originals back where nobody has wrapped ours since."""
    for made in list(_made.values()):
        made.on[0] = False
    while _placed:
        (_, name), owner = _placed.popitem()
        try:
            _take_away(owner, name)
        except Exception:
            guard.swallow('uninstall')


def _find(module, attribute):
    """(owner, name, what is stored, whether another than the owner stores it), or None."""
    owner, parts = module, attribute.split('.')
    for part in parts[:-1]:
        owner = getattr(owner, part, None)
        if owner is None:
            return None
    name = parts[-1]
    for place in getattr(owner, '__mro__', (owner,)):
        if name in vars(place):
            found = owner, name, vars(place)[name], place is not owner
            return found if place is not object else None  # what every class has is nobody's own
    return None if isinstance(owner, type) else _found_elsewhere(owner, name)


def _found_elsewhere(owner, name):
    """What an object gets from its class, or a module from its `__getattr__`; old classes on 2.7 do not name parents."""
    found = getattr(owner, name, _MISSING)
    if found is _MISSING:
        return None
    if getattr(found, 'im_self', None) is None:
        found = getattr(found, 'im_func', found)
    return owner, name, found, True


def _place(handler, owner, name, raw, inherited):
    made = _standing(raw, handler)
    if made is None:
        made = _wrapper_of(owner, name, raw, inherited, handler)
        setattr(owner, name, made.wrapper)
        inherited = False
    made.on[0] = True
    if not inherited:
        _placed[id(owner), name] = owner


def _standing(raw, handler):
    """Our wrapper with this handler among those that lie upon each other here already, or None."""
    made = _ours.get(id(raw))
    while made is not None and made.handler is not handler:
        made = _ours.get(id(made.raw))
    return made


def _wrapper_of(owner, name, raw, inherited, handler):
    # An object's method is made anew whenever somebody asks for it: its function is not.
    kept = getattr(raw, '__func__', raw) if inherited else raw
    key = id(kept), id(handler), id(owner) if inherited else 0
    if key not in _made:
        made = _made[key] = _Made(owner, name, raw, inherited, handler)
        _ours[id(made.wrapper)] = made
    return _made[key]


def _take_away(owner, name):
    made = _ours.get(id(vars(owner).get(name)))
    while made is not None:
        if made.heir is owner:
            delattr(owner, name)
        else:
            setattr(owner, name, made.raw)
        made = _ours.get(id(vars(owner).get(name)))
