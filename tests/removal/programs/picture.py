"""What a process looks like: everything that the agent may touch, so that two pictures tell what it left behind.

In the grammar of 2.7: it is taken inside of the app's process.
"""

from __future__ import absolute_import

import gc
import os
import signal
import sys
import threading
import time
import warnings

try:
    import _thread
except ImportError:
    import thread as _thread

MISSING = object()
OURS = ('pyagent.core.agent', 'pyagent.core.transport', 'pyagent.core.verdicts', 'pyagent.core.link')
SIGNALS = [
    ('django.contrib.auth.signals', 'user_logged_in'),
    ('django.contrib.auth.signals', 'user_logged_out'),
    ('django.contrib.auth.signals', 'user_login_failed'),
    ('django.db.models.signals', 'post_save'),
]


def places(rows):
    """[(target, owner, name)] of what exists of the rows in the modules that are imported."""
    found = []
    for row in rows:
        owner, parts = sys.modules.get(row.module), row.attribute.split('.')
        for part in parts[:-1]:
            owner = getattr(owner, part, None)
        if owner is not None and getattr(owner, parts[-1], MISSING) is not MISSING:
            found.append((row.target, owner, parts[-1]))
    return found


def stored(owner, name):
    """What stands in the owner itself."""
    return vars(owner).get(name, MISSING)


def inherited(owner, name):
    """What instances of a class and of its subclasses get, by class."""
    if not isinstance(owner, type):
        return {}
    found, waiting = {}, [owner]
    while waiting:
        kind = waiting.pop()
        waiting += type.__subclasses__(kind)
        found[kind] = next((vars(c)[name] for c in kind.__mro__ if name in vars(c)), MISSING)
    return found


def of_libraries(rows):
    """{what: identity} of every hooked attribute, what is inherited of it, and the receivers of signals."""
    seen = {}
    for target, owner, name in places(rows):
        seen[target] = stored(owner, name)
        seen[target + ' (order)'] = list(vars(owner))
        seen[target + ' (inherited)'] = inherited(owner, name)
    for module, name in SIGNALS:
        if module in sys.modules:
            receivers = getattr(sys.modules[module], name).receivers
            seen['%s.%s' % (module, name)] = [entry[0] for entry in receivers]
    return seen


def of_process():
    """{what: value} of what a process has besides: hooks of the interpreter, threads, descriptors, loaders."""
    gc.collect()
    seen = {
        'meta_path': list(sys.meta_path),
        'finders': [finder for finder in sys.meta_path if type(finder).__module__.startswith('pyagent')],
        'path_hooks': list(sys.path_hooks),
        'path': list(sys.path),
        'hooks': (sys.excepthook, sys.displayhook, sys.gettrace(), sys.getprofile()),
        'thread hooks': [getattr(threading, n, None) for n in ('excepthook', '_trace_hook', '_profile_hook')],
        'signals': [signal.getsignal(number) for number in range(1, 32)],
        'warnings': list(warnings.filters),
        'environ': dict(os.environ),
        'threads': _thread._count(),
        'descriptors': sorted(_descriptors()),
        'agents': [kind for kind in map(type, gc.get_objects()) if kind.__module__ in OURS],
    }
    seen['loaders'] = sorted(name for name, module in list(sys.modules.items()) if _is_lent(module))
    return seen


def settled(threads, seconds=5.0):
    """`of_process` once it has no more threads than so many, and no agent any more: a thread takes a moment to end."""
    end = time.time() + seconds
    seen = of_process()
    while (seen['threads'] > threads or seen['agents']) and time.time() < end:
        time.sleep(0.01)
        seen = of_process()
    return seen


def differences(before, after):
    """What is not the same any more, in words."""
    lines = []
    for what in sorted(set(before) | set(after)):
        was, now = before.get(what, MISSING), after.get(what, MISSING)
        if what.endswith('(inherited)') and isinstance(now, dict):  # of the classes that there were
            now = dict((kind, raw) for kind, raw in now.items() if kind in was)
        same = was == now if isinstance(was, (list, dict, tuple, int)) else was is now
        if not same:
            lines.append('%s: was %.300r, is %.300r' % (what, was, now))
    return lines


def _descriptors():
    directory = '/proc/self/fd'
    for number in os.listdir(directory) if os.path.isdir(directory) else ():
        try:
            target = os.readlink(os.path.join(directory, number))
        except OSError:  # the directory itself
            continue
        if target != '/dev/urandom':  # 2.7 keeps it open for all
            yield int(number), target


def _is_lent(module):
    """Whether a module has a loader of ours, itself or in its spec."""
    spec = getattr(module, '__spec__', None)
    for loader in (getattr(module, '__loader__', None), getattr(spec, 'loader', None)):
        if type(loader).__module__.startswith('pyagent'):
            return True
    return False
