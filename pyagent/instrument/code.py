"""Hooks of what makes code of text: eval, exec (a statement on 2.7, which nobody can hook) and compile.

All three ask for their caller's frame: for its names, and for what it imported from __future__. So the originals are told
both, also while the hooks are off; and modules of the interpreter that run everybody's code keep the originals: else
each traceback through an import would show this file.
"""

from __future__ import absolute_import

import __future__
import sys

from ..core import context, guard
from ..core.context import Operation
from ..core.names import builtins, text_type
from . import importhook
from .operation import begun, ended
from .patch import Row

_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag
_ONLY_TREE = 0x400  # ast.PyCF_ONLY_AST: nothing will be run
_OPTIMIZED = 0x1  # inspect.CO_OPTIMIZED: a function's names
_UNHOOKED = ('_frozen_importlib', '_frozen_importlib_external', 'runpy', 'zipimport')
_compile = compile
_originals = dict(
    (name, vars(builtins)[name]) for name in ('exec', 'compile') if name in vars(builtins)
)


def evaluated(mode):
    """A handler of eval or exec."""

    def describe(args, kwargs):
        if not isinstance(args[0], (bytes, text_type)):
            return None
        return Operation('code', args[0], mode)

    def handler(original, args, kwargs):
        operation = begun(describe, args, kwargs) if context.current() is not None else None
        args = _as_the_caller(args, kwargs, mode, sys._getframe(2)) or args
        error = None
        try:
            return original(*args, **kwargs)
        except BaseException:
            error = sys.exc_info()[0]
            raise
        finally:
            if operation is not None:
                ended(operation, error)

    handler.always = True
    return handler


@guard.guarded
def _as_the_caller(args, kwargs, mode, frame):
    """The arguments with what the original would look up itself. Empty ones are the original's to refuse."""
    if not args or 'closure' in kwargs:
        return args
    source, given = args[0], list(args[1:3])
    futures = frame.f_code.co_flags & _FUTURES
    if futures and isinstance(source, (bytes, text_type)):
        source = _compiled_for(source, mode, futures)
    if kwargs.get('globals', True) is None:
        del kwargs['globals']
    if (given[:1] or [kwargs.get('globals')])[0] is None:
        if (given[1:] or [kwargs.get('locals')])[0] is None:
            given = [frame.f_globals, _locals(frame)]
        else:
            given[:1] = [frame.f_globals]
    return tuple([source] + given)


def _compiled_for(source, mode, futures):
    """The text's code where it has any; else the text, whose errors are the original's to tell."""
    bare = (
        source.lstrip(b' \t' if isinstance(source, bytes) else u' \t') if mode == 'eval' else source
    )
    try:
        return _compile(bare, '<string>', mode, futures, True)
    except Exception:
        return source


def _locals(frame):
    """The caller's names as `locals()` has them: of a function on 3.13 and later a copy (PEP 667)."""
    names = frame.f_locals
    return (
        names if isinstance(names, dict) or not frame.f_code.co_flags & _OPTIMIZED else dict(names)
    )


def compiled(original, args, kwargs):
    """A handler of compile(source, filename, mode, flags, dont_inherit, ...)."""
    operation = begun(_compilation, args, kwargs) if context.current() is not None else None
    if operation is not None:
        ended(operation, None)
    args = _inheriting(args, kwargs, sys._getframe(2)) or args
    return original(*args, **kwargs)


compiled.always = True


def _compilation(args, kwargs):
    """Describe it, unless only a tree is wanted."""
    source = args[0] if args else kwargs['source']
    flags = args[3] if len(args) > 3 else kwargs.get('flags', 0)
    if not isinstance(source, (bytes, text_type)) or flags & _ONLY_TREE:
        return None
    return Operation('code', source, 'compile')


@guard.guarded
def _inheriting(args, kwargs, frame):
    """The arguments with the caller's futures among the flags."""
    futures = frame.f_code.co_flags & _FUTURES
    if len(args) > 4 or kwargs.get('dont_inherit') or not futures:
        return args
    if len(args) > 3:
        return args[:3] + (args[3] | futures,) + args[4:]
    kwargs['flags'] = kwargs.get('flags', 0) | futures
    return args


def install():
    """The interpreter's own modules keep what they have."""
    for name in _UNHOOKED:
        importhook.when_imported(name, _leave_alone)


def _leave_alone(module):
    for name, original in _originals.items():
        vars(module).setdefault(name, original)


def uninstall():
    """They ask the builtins again."""
    for name in _UNHOOKED:
        names = vars(sys.modules.get(name)) if sys.modules.get(name) is not None else {}
        for key, original in _originals.items():
            if names.get(key) is original:
                del names[key]


ROWS = [
    Row(builtins.__name__, 'eval', evaluated('eval')),
    Row(builtins.__name__, 'exec', evaluated('exec')),
    Row(builtins.__name__, 'compile', compiled),
]
