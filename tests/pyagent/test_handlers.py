"""Every hook row against a library that is not what we know: other arguments, objects that fail at every touch."""

from __future__ import absolute_import

import unittest

from pyagent.core import context, facts, lifecycle
from pyagent.instrument import everything, wrappers

from .support import AgentCase, environ


class AppError(Exception):
    """What a library raises itself."""


class Hostile(object):
    """Fails whatever one does with it, as a broken version's objects may."""

    def __getattribute__(self, name):
        raise ZeroDivisionError(name)

    def _fail(self, *args):
        raise ZeroDivisionError('touched')

    __str__ = __repr__ = __iter__ = __len__ = __getitem__ = __contains__ = __eq__ = __hash__ = __bool__ = __nonzero__ = _fail


THING = object()
SHAPES = [
    ((), {}),
    ((THING,), {}),
    ((THING, THING), {'unknown': THING}),
    ((None, None, None), {}),
    ((THING,) * 8, {}),
    ((), {'args': THING, 'url': None, 'path': 3}),
    ((Hostile(),), {}),
    ((Hostile(), Hostile(), Hostile()), {}),
    ((Hostile(), Hostile(), Hostile(), Hostile()), {}),
    ((), {'request': Hostile(), 'command': Hostile()}),
]


class Original(object):
    """The library's own function; counts its calls."""

    def __init__(self, error=None):
        self.calls, self.error = 0, error

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.error is not None:
            raise self.error
        return THING


if facts.HAS_ASYNC:
    exec(
        'class Awaited(Original):\n'
        '    async def __call__(self, *args, **kwargs):\n'
        '        return Original.__call__(self, *args, **kwargs)\n'
    )


def called(row, original, args, kwargs):
    """What the handler returns, awaited where it is a coroutine function."""
    answer = row.handler(original, args, kwargs)
    if wrappers.is_coroutine_function(row.handler):
        try:
            while True:
                answer.send(None)
        except StopIteration as end:
            return end.value
    return answer


class Rows(AgentCase):
    """Once by once, in a request and outside of one, in both modes."""

    tolerant = True
    maxDiff = None
    verdict = {'action': 'allow'}

    def test_the_librarys_own_call_happens_once(self):
        """Its result comes back, perhaps behind a stand-in, and its error is its own."""
        problems = set()
        for mode in ('monitor', 'block'):
            self.agent.mode = mode
            for row in everything.ROWS:
                for args, kwargs in SHAPES:
                    for serving in (False, True):
                        for error in (None, AppError('the librarys')):
                            problem = self._problem(row, args, kwargs, serving, error)
                            if problem:
                                problems.add('%s with %d arguments: %s' % (row.target, len(args), problem))
        self.assertEqual(sorted(problems), [])

    def _problem(self, row, args, kwargs, serving, error):
        original = (Awaited if wrappers.is_coroutine_function(row.handler) else Original)(error)
        request = lifecycle.begin(environ()) if serving else None
        try:
            result = called(row, original, args, kwargs)
            inner = getattr(result, '_cowitness_inner', result)
            if error is not None or not (inner is THING or callable(result)):
                return 'returns %r' % (result,)
        except Exception as caught:
            if caught is not error:
                return '%s: %s' % (type(caught).__name__, caught)
        finally:
            if request is not None:
                lifecycle.end(request, 200)
            context.enter(None)
            context.enclose(None)
        return None if original.calls == 1 else 'called %d times' % original.calls


if __name__ == '__main__':
    unittest.main()
