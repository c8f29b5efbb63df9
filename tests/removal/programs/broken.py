"""Versions of the hooked libraries that are not what we know: for every row a module whose attribute is missing, is of
another kind, cannot be set, fails when looked at, or takes other arguments. Prints what went wrong as JSON.

`python -m tests.removal.programs.broken`, without any library; in the grammar of 2.7.
"""

from __future__ import absolute_import, print_function

import json
import os
import sys
import tempfile

import pyagent
from pyagent.core import context, lifecycle
from pyagent.core.ledger import ABSENT, FAILED, INSTALLED
from pyagent.instrument import everything, patch, wrappers
from tests.pyagent.support import environ
from tests.removal.programs import picture

HEAD = '''
class Closed(type):
    def __setattr__(cls, name, value):
        raise TypeError('this class cannot be changed')
class Shy(type):
    def __getattr__(cls, name):
        raise RuntimeError('do not look')
class Callable(object):
    def __call__(self, **kwargs):
        return 7
class Descriptor(object):
    def __get__(self, instance, kind):
        return lambda *args: 7
def seven(*args):
    return 7
Plain = type('Plain', (object,), {})
'''
# What stands in the place of a function of a module, and of a method: as an expression, and what becomes of the hook.
VARIANTS = {
    'missing': (None, None, ABSENT),
    'a number': ('7', '7', FAILED),
    'a class': ('Plain', 'Plain', FAILED),
    'a property': ('property(seven)', 'property(seven)', FAILED),
    'a class method': ('7', 'classmethod(seven)', FAILED),
    'a descriptor': ('7', 'Descriptor()', FAILED),
    'closed': ('None', 'CLOSED', FAILED),
    'shy': (None, 'SHY', ABSENT),
    'no arguments': ('lambda: 7', 'lambda self: 7', INSTALLED),
    'any arguments': ('seven', 'seven', INSTALLED),
    'a callable': ('Callable()', 'Callable()', INSTALLED),
}
if str is not bytes:
    VARIANTS['only keywords'] = ('lambda *, key=7: key', 'lambda self, *, key=7: key', INSTALLED)
STANDARD = set(row.module.split('.')[0] for row in everything.ROWS if row.module.split('.')[0] in set(sys.modules))
STANDARD |= {'subprocess', 'asyncio', 'concurrent', 'http', 'httplib', 'urllib', 'urllib2', 'wsgiref', 'sqlite3'}
STANDARD |= {'marshal', 'shelve'}


def rows():
    """Those of libraries that are not the interpreter's."""
    return [row for row in everything.ROWS if row.module.split('.')[0] not in STANDARD]


def sources(function, method):
    """{module: source} of libraries that are broken in one way."""
    modules = {}
    for row in rows():
        classes = modules.setdefault(row.module, {})
        owner, _, name = row.attribute.rpartition('.')
        classes.setdefault(owner, []).append(name)
    return dict((name, _source(classes, function, method)) for name, classes in modules.items())


def _source(classes, function, method):
    lines = [HEAD]
    for owner, names in classes.items():
        value = method if owner else function
        if value is None or (not owner and value == 'None'):
            lines += [] if not owner else ['class %s(object): pass' % owner]
        elif not owner:
            lines += ['%s = %s' % (name, value) for name in names]
        else:
            lines += _class(owner, names, value)
    return '\n'.join(lines) + '\n'


def _class(owner, names, value):
    if value == 'CLOSED':
        members = ', '.join('%r: seven' % name for name in names)
        return ['%s = Closed(%r, (object,), {%s})' % (owner, owner, members)]
    if value == 'SHY':
        return ['%s = Shy(%r, (object,), {})' % (owner, owner)]
    return ['class %s(object):' % owner] + ['    %s = %s' % (name, value) for name in names]


def write(directory, modules):
    """The modules as files; every parent is a package."""
    for name, source in modules.items():
        parts = name.split('.')
        for depth in range(1, len(parts)):
            _add(directory, parts[:depth], '__init__.py', '')
        is_package = any(other.startswith(name + '.') for other in modules)
        if is_package:
            _add(directory, parts, '__init__.py', source)
        else:
            _add(directory, parts[:-1], parts[-1] + '.py', source)


def _add(directory, parts, name, source):
    folder = os.path.join(directory, *parts)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    path = os.path.join(folder, name)
    if source or not os.path.exists(path):
        with open(path, 'w') as file:
            file.write(source)


def forget(modules):
    """Take broken libraries out of sys.modules again."""
    for name in list(sys.modules):
        if name.split('.')[0] in set(module.split('.')[0] for module in modules):
            del sys.modules[name]


def try_variant(name, function, method, expected):
    """Import all libraries broken in this way under the agent; what is there is what would be there without it."""
    directory, modules = tempfile.mkdtemp(), sources(function, method)
    write(directory, modules)
    sys.path.insert(0, directory)
    pyagent.enable()
    try:
        for module in sorted(modules):
            __import__(module)
        states = dict((hook['target'], hook) for hook in pyagent.status()['hooks'])
        for row in rows():
            problem = _problem(row, states[row.target], expected, method if '.' in row.attribute else function)
            if problem:
                yield '%s, %s: %s' % (name, row.target, problem)
    finally:
        pyagent.disable()
        for row in rows():
            if _ours(row):
                yield '%s, %s: is not put back' % (name, row.target)
        sys.path.remove(directory)
        forget(modules)


def _problem(row, hook, expected, value):
    if value in (None, 'None'):
        expected = ABSENT
    if wrappers.is_coroutine_function(row.handler) and expected == INSTALLED:
        expected = FAILED  # none of these is a coroutine function
    if hook['state'] != expected:
        return '%(state)s (%(reason)s)' % hook + ', not ' + expected
    if expected != INSTALLED and not hook['reason']:
        return 'no reason is given'
    if expected == INSTALLED:
        return _called(row)
    return None


def _called(row):
    """Call it in a request, as an app would."""
    owner, _, name = row.attribute.rpartition('.')
    holder = sys.modules[row.module]
    holder = getattr(holder, owner)() if owner and not name.startswith('__') else holder
    if name.startswith('__'):
        return None  # called by making the object above, or by calling it
    request = lifecycle.begin(environ())
    try:
        answer = getattr(holder, name)()
        answer = getattr(answer, '_cowitness_inner', answer)
        return None if answer == 7 else 'answers %r' % (answer,)
    finally:
        lifecycle.end(request, 200)
        context.enter(None)


def _ours(row):
    owner, _, name = row.attribute.rpartition('.')
    holder = sys.modules.get(row.module)
    holder = getattr(holder, owner, None) if owner else holder
    return holder is not None and id(picture.stored(holder, name)) in patch._ours


def main():
    problems = []
    for name in sorted(VARIANTS):
        problems += try_variant(name, *VARIANTS[name])
    print(json.dumps({'problems': problems, 'rows': len(rows()), 'variants': len(VARIANTS)}))


if __name__ == '__main__':
    main()
