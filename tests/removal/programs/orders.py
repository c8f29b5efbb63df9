"""Orderings of enable, enable again, disable, and other people's patches put on and taken away, tried on every row.

A small model says what must stand at each place after each step; here the agent is on and off, there anybody's patch.
In the grammar of 2.7.
"""

from __future__ import absolute_import

import functools
import itertools

from pyagent.instrument import patch, wrappers
from tests.removal.programs import picture

try:
    import wrapt
except ImportError:
    wrapt = None

ONE = ('EDED', 'EEDD', 'EDEED')
TWO = ('ED',)


def orderings():
    """Words of E(nable), D(isable), P and Q (others patch), p and q (they take it away again)."""
    found = set()
    for switching in ONE:
        found.update(_merged(switching, 'Pp'))
    for switching in TWO:
        for others in _merged('Pp', 'Qq'):
            found.update(_merged(switching, others))
    return sorted(found)


def _merged(one, other):
    """All ways to go through both words, each in its own order."""
    for chosen in itertools.combinations(range(len(one) + len(other)), len(one)):
        mine, others = iter(one), iter(other)
        yield ''.join(next(mine) if i in chosen else next(others) for i in range(len(one) + len(other)))


class Place(object):
    """One hooked attribute and what the model expects to stand there: an object, or ('ours', what is beneath it)."""

    def __init__(self, target, owner, name, layers):
        self.target, self.owner, self.name, self._layers = target, owner, name, layers
        self.first = self.expected = picture.stored(owner, name)
        self._before = {}

    @property
    def real(self):
        return picture.stored(self.owner, self.name)

    def enable(self):
        for _ in range(0 if isinstance(self.expected, tuple) else self._layers):
            self.expected = ('ours', self.expected)

    def disable(self):
        self.expected = _beneath(self.expected)

    def patch(self, who, made):
        """Somebody wraps what they find."""
        found = self.real
        self._before[who] = found, self.expected
        raw = getattr(self.owner, self.name) if found is picture.MISSING else found
        other = OTHERS[made % len(OTHERS)](raw)
        setattr(self.owner, self.name, other)
        self.expected = picture.stored(self.owner, self.name)

    def unpatch(self, who):
        """They put back what they found."""
        found, self.expected = self._before.pop(who)
        if found is picture.MISSING:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, found)

    def tidy(self):
        """Who takes patches away in the wrong order leaves one of them behind: that is not ours to mend."""
        if id(_beneath(self.expected)) in _INNER:
            self._before['left'] = self.first, self.first
            self.unpatch('left')

    def problem(self, was, enabled):
        """What does not stand as the model says, or None. Others who put back what they found may take ours along."""
        if not _stands(self.real, self.expected):
            return '%s: %.200r, not %.200r' % (self.target, self.real, self.expected)
        working = [made.handler for made in _chain(self.real) if made.on[0]]
        wanted = len(set(map(id, working))) if enabled else 0
        if len(working) != wanted or (enabled and not was and wanted != self._layers):
            return '%s: %d wrappers work' % (self.target, len(working))
        return None


def _beneath(expected):
    while isinstance(expected, tuple):
        expected = expected[1]
    return expected


def _stands(real, expected):
    if not isinstance(expected, tuple):
        return real is expected
    made = patch._ours.get(id(real))
    return made is not None and (expected[1] is picture.MISSING or _stands(made.raw, expected[1]))


def _chain(real):
    """Our wrappers from the top down, beneath others' too."""
    while real is not None:
        made = patch._ours.get(id(real))
        if made is not None:
            yield made
        real = made.raw if made is not None else _INNER.get(id(real), (None, None))[1]


# What others do

_INNER = {}


def _noted(other, inner):
    _INNER[id(other)] = other, inner
    return other


def _with_wraps(raw):
    def others(*args, **kwargs):
        return raw(*args, **kwargs)

    return _noted(functools.wraps(raw, assigned=('__name__',) if hasattr(raw, '__name__') else ())(others), raw)


def _bare(raw):
    if wrappers.is_coroutine_function(raw):
        return _with_wraps(raw)  # one that does not say so is not hooked: the ledger tells

    def others(*args, **kwargs):
        return raw(*args, **kwargs)

    return _noted(others, raw)


def _by_wrapt(raw):
    return _noted(wrapt.FunctionWrapper(raw, lambda wrapped, instance, args, kwargs: wrapped(*args, **kwargs)), raw)


OTHERS = [_with_wraps, _bare] + ([_by_wrapt] if wrapt else [])


def run(rows, enable, disable):
    """Go through every ordering at every place; returns (number of orderings, number of places, problems)."""
    found = {}
    for target, owner, name in picture.places(rows):
        found.setdefault((id(owner), name), []).append((target, owner, name))
    places = [Place(*same[0], layers=len(same)) for same in found.values()]
    before, problems, words = picture.of_libraries(rows), [], orderings()
    for number, word in enumerate(words):
        for problem in _run_one(word, number, places, enable, disable):
            problems.append('%s: %s' % (word, problem))
        for problem in picture.differences(before, picture.of_libraries(rows)):
            problems.append('after %s: %s' % (word, problem))
        if len(problems) > 20:
            break
    return len(words), len(places), problems


def _run_one(word, number, places, enable, disable):
    enabled = False
    for step, letter in enumerate(word + ' ED'):  # what was left beneath another's patch goes with the next time
        was = enabled
        if letter in 'ED':
            enabled = letter == 'E'
            (enable if enabled else disable)()
        for place in places:
            if letter in 'ED' and was is not enabled:
                place.enable() if enabled else place.disable()
            elif letter in 'PQ':
                place.patch(letter, number + step)
            elif letter in 'pq':
                place.unpatch(letter.upper())
            elif letter == ' ':
                place.tidy()
        for place in places:
            problem = place.problem(was, enabled)
            if problem:
                yield 'step %d (%s): %s' % (step + 1, letter, problem)
