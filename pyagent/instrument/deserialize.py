"""Hooks of what reads objects back. Told is only a name that no data need, such as posix.system, when it is looked up:
before it can be called.

pickle's functions in C are done by an Unpickler of theirs that is asked for names. In its place stands a class derived
from it, as an app may make or derive one itself (shelve and cloudpickle do, dill that in Python); 2.7 makes them by a
function. marshal makes code, which is told where it is no import's.
"""

from __future__ import absolute_import

import io
import re
import sys

from ..core import context, facts, guard
from ..core.context import Operation
from . import importhook
from .operation import around, begun, ended
from .patch import Row

_MODULES = (
    'os posix nt subprocess commands popen2 sys builtins __builtin__ importlib imp runpy pty code codeop ctypes socket shutil '
    'platform webbrowser timeit pdb bdb profile cProfile trace pydoc doctest asyncio multiprocessing threading _thread thread '
    'marshal pickle cPickle _pickle shelve tempfile pathlib glob io _io linecache urllib urllib2 http httplib ftplib smtplib '
    'telnetlib requests sqlite3 distutils setuptools pip ensurepip venv test lib2to3 idlelib signal resource gc inspect types '
    'operator _operator functools _functools site sysconfig zipimport zipfile tarfile numpy.testing numpy.f2py torch.hub'
)  # fmt: skip
_DANGEROUS = frozenset(_MODULES.split())
_HARMLESS = re.compile(
    r'(builtins|__builtin__)\.(object|set|frozenset|list|dict|tuple|bytes|bytearray|str|unicode|int|long|float|bool'
    r'|complex|slice|range|xrange|type|NoneType|Ellipsis|NotImplemented|[A-Z]\w*(Error|Exception|Warning)|Exception)$'
    r'|(_?operator)\.(itemgetter|add|sub|mul|eq|ne|lt|le|gt|ge|and_|or_|not_|neg)$'
    r'|_?functools\.(partial|reduce|_lru_cache_wrapper)$|pathlib\.\w*Path$|types\.(SimpleNamespace|MappingProxyType)$'
    r'|_?io\.(BytesIO|StringIO)$|signal\.(Signals|Handlers)$|http\.(HTTPStatus|cookies\.\w+)$|tempfile\.\w+Error$'
)  # what is written down of plain data, too


def is_dangerous(name):
    """Whether loading this (module.attribute) is more than making a value."""
    module = name.rpartition('.')[0]
    parts = module.split('.')
    known = parts[0] in _DANGEROUS or '.'.join(parts[:2]) in _DANGEROUS
    return known and _HARMLESS.match(name) is None


def looked_up(args, kwargs):
    """Describe find_class(self, module, name) of pickle's Unpickler."""
    name = '%s.%s' % (args[1], args[2])
    return Operation('deserialize', name, 'pickle') if is_dangerous(name) else None


class _Watch(object):
    """What one call of load or loads looks up; each dangerous name is an operation until the call's end."""

    def __init__(self):
        self.operations = []

    def see(self, module, name):
        operation = begun(looked_up, (self, module, name), {})
        if operation is not None:
            self.operations.append(operation)

    def end(self, error):
        while self.operations:
            ended(self.operations.pop(), error)


def _may_look_up(data):
    """Whether there can be an opcode that does: STACK_GLOBAL, or GLOBAL and INST with their line feeds. Mostly not."""
    return type(data) in (bytes, bytearray) and (b'\x93' in data or b'\n' in data)


def _readable(data):
    """A file of it; where it is long one that can be looked into ahead, which pickle reads at one go."""
    file = io.BytesIO(data)
    return io.BufferedReader(file, len(data)) if len(data) > 1024 else file


def _unpickler(kind, watch, file, kwargs):
    """An Unpickler of this kind, with somebody who watches."""
    if hasattr(kind, 'find_class'):
        unpickler = lent(kind)(file, **kwargs)
        unpickler._cowitness_watch = watch
        return unpickler
    unpickler = getattr(kind, '__wrapped__', kind)(file)  # 2.7: a function makes them
    _look_up_for(unpickler, watch)
    return unpickler


def _look_up_for(unpickler, watch):
    def find_global(module, name):
        watch.see(module, name)
        __import__(module)
        return getattr(sys.modules[module], name)

    unpickler.find_global = find_global


def made(original, args, kwargs):
    """cPickle.Unpickler(file): of one that an app makes itself a look-up is told, and not how long it goes on."""
    unpickler = original(*args, **kwargs)
    if context.current() is not None:
        _watch_alone(unpickler)
    return unpickler


@guard.guarded
def _watch_alone(unpickler):
    _look_up_for(unpickler, _Glance())


class _Glance(object):
    """What is looked up is told, and over at once."""

    def see(self, module, name):
        operation = begun(looked_up, (self, module, name), {})
        if operation is not None:
            ended(operation, None)


_lent, _places = {}, []


def lent(kind):
    """A class in the place of an Unpickler in C, which tells what it looks up, as those do that derive from it."""
    if kind in _lent.values():
        return kind
    if kind not in _lent:
        _lent[kind] = _derived(kind)
    return _lent[kind]


def _derived(kind):
    class Unpickler(kind):
        _cowitness_watch = None

        def find_class(self, module, name):
            if self._cowitness_watch is not None:
                self._cowitness_watch.see(module, name)
            return kind.find_class(self, module, name)

        def load(self):
            if self._cowitness_watch is not None or context.current() is None:
                return kind.load(self)
            watch, error = _Watch(), None
            self._cowitness_watch = watch
            try:
                return kind.load(self)
            except BaseException:
                error = sys.exc_info()[0]
                raise
            finally:
                self._cowitness_watch = None
                watch.end(error)

    Unpickler.__module__, Unpickler.__doc__ = kind.__module__, kind.__doc__
    Unpickler.__qualname__ = kind.__name__
    return Unpickler


def install():
    """Lend the class to those who have the one in C."""
    if facts.TEXT_IS_UNICODE:
        for name in ('_pickle', 'pickle', 'shelve'):
            importhook.when_imported(name, _lend)


def _lend(module):
    kind = vars(module).get('Unpickler')
    if getattr(kind, '__module__', None) == '_pickle' and kind not in _lent.values():
        module.Unpickler = lent(kind)
        _places.append((module, kind))


def uninstall():
    """Everybody gets the one in C again."""
    while _places:
        module, kind = _places.pop()
        if module.Unpickler is _lent.get(kind):
            module.Unpickler = kind


def unmarshalled(original, args, kwargs):
    """marshal.loads(data) and load(file): of what they make code alone can be run."""
    result = original(*args, **kwargs)
    if type(result) is _CODE and context.current() is not None:
        _tell_code(result, sys._getframe(2))
    return result


def _tell_code(code, frame):
    """May raise Blocked."""
    if frame.f_globals.get('__name__') not in _IMPORTERS:
        operation = begun(_code, (code,), {})
        if operation is not None:
            ended(operation, None)


def _code(args, kwargs):
    """Describe code by two names that stand in its data."""
    name = '%s.%s' % (args[0].co_filename, args[0].co_name)
    return Operation('deserialize', name, 'marshal')


def loading(module, of_text):
    """A handler of load(file, ...), or of loads(data, ...) where it is `of_text`."""

    @guard.guarded
    def prepare(watch, args, kwargs):
        file = _readable(args[0]) if of_text else args[0]
        return _unpickler(sys.modules[module].Unpickler, watch, file, kwargs)

    def handler(original, args, kwargs):
        wanted = len(args) == 1 and context.current() is not None
        watch = _Watch() if wanted and (not of_text or _may_look_up(args[0])) else None
        unpickler = prepare(watch, args, kwargs) if watch is not None else None
        if unpickler is None:
            return original(*args, **kwargs)
        error = None
        try:
            return unpickler.load()
        except BaseException:
            error = sys.exc_info()[0]
            if not of_text or watch.operations or not issubclass(error, Exception):
                raise
        finally:
            watch.end(error)
        return original(*args, **kwargs)  # it words what is wrong with the data in its own way

    return handler


def named(system, place, prefix='builtins.'):
    """Describe what looks up "module.attribute", its argument at `place`. `prefix` of one without a module."""

    def describe(args, kwargs):
        name = args[place]
        outer = context.innermost()
        if outer is not None and outer.kind == 'deserialize' and outer.text == name:
            return None  # a class asks the one above it
        whole = name if '.' in name else prefix + name
        return Operation('deserialize', name, system) if is_dangerous(whole) else None

    return describe


_CODE = type(_code.__code__)
_IMPORTERS = (
    'importlib._bootstrap_external',
    '_frozen_importlib_external',
    'zipimport',
    'pkgutil',
    'imp',
    'runpy',
)
_IN_PYTHON = '_Unpickler' if facts.TEXT_IS_UNICODE else 'Unpickler'
_IN_C = 'pickle' if facts.TEXT_IS_UNICODE else 'cPickle'
ROWS = [
    Row('pickle', _IN_PYTHON + '.find_class', around(looked_up)),
    Row(_IN_C, 'loads', loading(_IN_C, True)),
    Row(_IN_C, 'load', loading(_IN_C, False)),
    Row('marshal', 'loads', unmarshalled),
    Row('marshal', 'load', unmarshalled),
    Row('jsonpickle.unpickler', 'loadclass', around(named('jsonpickle', 0))),
]
if not facts.TEXT_IS_UNICODE:
    ROWS += [Row(_module, 'Unpickler', made) for _module in ('cPickle', 'shelve')]
for _class in ('Constructor', 'FullConstructor'):  # before PyYAML 5.1, and since
    ROWS += [
        Row('yaml.constructor', _class + '.find_python_name', around(named('yaml', 1))),
        Row('yaml.constructor', _class + '.find_python_module', around(named('yaml', 1, 'sys.'))),
    ]
