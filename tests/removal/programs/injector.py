"""Makes a line of the agent fail once, as if it had raised an exception itself, or a function whenever it is called.

A trace function sees every line of pyagent that runs; it is told which are the app's own calls and what cannot fail. In
the grammar of 2.7.
"""

from __future__ import absolute_import

import dis
import gc
import linecache
import os
import re
import sys
import threading

import pyagent
from pyagent.core import guard

ROOT = os.path.dirname(pyagent.__file__) + os.sep

# What is nothing but the shape of the code.
BONES = [
    r'try:|except\b.*|finally:|else:|pass|raise\b.*|return( None| False| True)?|global .*',
    r'with .*:|self\._lock\.(acquire|release)\(.*|@.*|def .*|async def .*|class .*|[\'"].*',
    r'(guard\.)?swallow\(.*',
]


class InjectedError(Exception):
    """What an injected fault is, unless it is an error of Python's own."""


try:
    DEEP = RecursionError
except NameError:
    DEEP = RuntimeError
KINDS = [InjectedError, MemoryError, InjectedError, DEEP, InjectedError, KeyError]


class Injector(object):
    """`lines`: {(file, line): number of request} of what ran; `raised` says whether the fault happened."""

    def __init__(self, apps, trivial):
        call = r'(return |if |\w+ = )*([\w.]+\.)?(%s)\(.*' % '|'.join(guarded())
        self._apps = re.compile('(%s)$' % '|'.join(apps))
        self._not_ours = re.compile('(%s)$' % '|'.join(BONES + apps + trivial + [call]))
        self._target = self._error = None
        self.seen, self.raised = set(), False

    def record(self, work):
        """The lines of ours that `work` runs."""
        self.seen = set()
        self._run(work)
        return sorted(place for place in self.seen.copy() if self.is_ours(place))

    def fail(self, place, error, work):
        """Run `work` with one line failing once; returns whether it did, and what `work` returned."""
        self._target, self._error, self.raised = place, error, False
        try:
            return self._run(work)
        finally:
            self._target = None

    def is_ours(self, place):
        """Whether a line may be made to fail."""
        return not self._not_ours.match(text_of(place))

    def functions(self, places):
        """{a place: [functions of one code]} for all that run one of these lines and do not call the app themselves."""
        lines, found = set(places), {}
        for function in gc.get_objects():
            if type(function) is type(guarded) and function.__code__.co_filename.startswith(ROOT):
                own = _lines(function.__code__)
                if lines.intersection(own) and not any(self._apps.match(text_of(place)) for place in own):
                    same = found.setdefault(min(lines.intersection(own)), [])
                    if not same or same[0].__code__ is function.__code__:  # two lambdas may share a line
                        same.append(function)
        return found

    def _run(self, work):
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        try:
            return work()
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def _trace(self, frame, event, arg):
        return self._trace_line if frame.f_code.co_filename.startswith(ROOT) else None

    def _trace_line(self, frame, event, arg):
        if event == 'line':
            place = frame.f_code.co_filename, frame.f_lineno
            if self._target is None:
                self.seen.add(place)
            elif place == self._target and not self.raised:
                self.raised = True
                raise self._error
        return self._trace_line


def text_of(place):
    """A line without its comment."""
    return linecache.getline(*place).split('  # ')[0].strip()


def _lines(code):
    return [(code.co_filename, number) for _, number in dis.findlinestarts(code) if number]


class Broken(object):
    """Functions of one code that raise whenever they are called, within a `with`; `called` says whether they were."""

    def __init__(self, functions):
        self._functions, self._code = functions, functions[0].__code__

    @property
    def called(self):
        return bool(CALLED)

    def __enter__(self):
        del CALLED[:]
        names = ['v%d' % number for number in range(len(self._code.co_freevars))]
        made = {}
        exec(_BROKEN % (', '.join(n + '=None' for n in names), ', '.join(names), __name__), made)
        self._set(made['outer']().__code__)
        return self

    def __exit__(self, *exc_info):
        self._set(self._code)

    def _set(self, code):
        for function in self._functions:
            function.__code__ = code


CALLED = []
_BROKEN = '''
def outer(%s):
    def broken(*args, **kwargs):
        (%s)
        __import__('sys').modules[%r].CALLED.append(1)
        raise ZeroDivisionError('injected')
    return broken
'''


def guarded():
    """The names of the agent's functions that end every exception themselves."""
    names = set()
    for name, module in list(sys.modules.items()):
        if name.startswith('pyagent.') and module is not None:
            for owner in [module] + [kind for kind in vars(module).values() if isinstance(kind, type)]:
                names.update(n for n, f in vars(owner).items() if getattr(f, '__code__', None) is _SAFE)
    return sorted(names)


_SAFE = guard.guarded(len).__code__
