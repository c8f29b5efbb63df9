"""Hooking: what a replaced attribute still is, and how it is put back."""

from __future__ import absolute_import

import types

from pyagent.core.ledger import ABSENT, FAILED, INSTALLED, ledger
from pyagent.instrument import patch
from pyagent.instrument.patch import Row

from .support import Case


def module():
    made = types.ModuleType('shop')
    exec(
        'def sell(a, b=2):\n    "Sells."\n    return a + b\n'
        'class Till(object):\n    def ring(self, n): return n\n    @staticmethod\n    def price(n): return n\n'
        'class Child(Till): pass\n',
        made.__dict__,
    )
    return made


def doubled(original, args, kwargs):
    return 2 * original(*args, **kwargs)


class Patching(Case):
    def setUp(self):
        super(Patching, self).setUp()
        self.shop = module()
        self.addCleanup(patch.uninstall_all)

    def state(self, target):
        return [row['state'] for row in ledger.rows() if row['target'] == target]

    def test_functions_methods_statics(self):
        """All three are wrapped, keep name and documentation, and come back as they were."""
        before = self.shop.sell
        for attribute in ('sell', 'Till.ring', 'Till.price'):
            patch.install(Row('shop', attribute, doubled), self.shop)
            self.assertEqual(self.state('shop.' + attribute), [INSTALLED])
        till = self.shop.Till()
        self.assertEqual((self.shop.sell(1), till.ring(3), till.price(4), self.shop.Till.price(5)), (6, 6, 8, 10))
        self.assertEqual((self.shop.sell.__name__, self.shop.sell.__doc__), ('sell', 'Sells.'))
        patch.uninstall_all()
        self.assertIs(self.shop.sell, before)
        self.assertEqual((self.shop.sell(1), till.ring(3), till.price(4)), (3, 3, 4))

    def test_inherited_methods(self):
        """A method that a class only inherits is hooked on that class and taken off it again."""
        patch.install(Row('shop', 'Child.ring', doubled), self.shop)
        self.assertEqual((self.shop.Child().ring(3), self.shop.Till().ring(3)), (6, 3))
        patch.uninstall_all()
        self.assertNotIn('ring', vars(self.shop.Child))

    def test_methods_of_one_object(self):
        """A method of one object is hooked there alone, again by the same wrapper, and taken off it again."""
        self.shop.till, other = self.shop.Till(), self.shop.Till()
        row = Row('shop', 'till.ring', doubled)
        patch.install(row, self.shop)
        ours = self.shop.till.ring
        self.assertEqual((ours(3), other.ring(3)), (6, 3))
        patch.uninstall_all()
        self.assertEqual((vars(self.shop.till), self.shop.till.ring(3), ours(3)), ({}, 3, 3))
        patch.install(row, self.shop)
        self.assertIs(self.shop.till.ring, ours)
        self.assertEqual(ours(3), 6)

    def test_twice_is_once(self):
        """Installing the same row again changes nothing."""
        row = Row('shop', 'sell', doubled)
        patch.install(row, self.shop)
        patch.install(row, self.shop)
        self.assertEqual(self.shop.sell(1), 6)

    def test_wrapped_by_others(self):
        """Where somebody wrapped ours, uninstalling leaves their wrapper and turns ours off."""
        patch.install(Row('shop', 'sell', doubled), self.shop)
        ours = self.shop.sell
        self.shop.sell = lambda *args: ours(*args) + 100
        patch.uninstall_all()
        self.assertEqual(self.shop.sell(1), 103)

    def test_functions_in_c_do_not_become_methods(self):
        """A class that holds a hooked built-in function calls it without itself, as pathlib does with os.open."""
        owner = types.ModuleType('owner')
        owner.length = len
        patch.install(Row('owner', 'length', lambda original, args, kwargs: original(*args)), owner)
        self.addCleanup(patch.uninstall_all)

        class Holder(object):
            size = owner.length

        self.assertEqual(Holder().size([1, 2]), 2)
        self.assertEqual(owner.length.__name__, 'len')
        patch.uninstall_all()
        self.assertIs(owner.length, len)

    def test_absent(self):
        """What a version does not have is noted as absent."""
        patch.install(Row('shop', 'Till.refund', doubled), self.shop)
        self.assertEqual(self.state('shop.Till.refund'), [ABSENT])

    def test_again_is_the_same_wrapper(self):
        """A copy that was taken while it was on passes through when it is off, and works when it is on again."""
        row = Row('shop', 'sell', doubled)
        patch.install(row, self.shop)
        copy = self.shop.sell
        patch.uninstall_all()
        self.assertEqual(copy(1), 3)
        patch.install(row, self.shop)
        self.assertIs(self.shop.sell, copy)
        self.assertEqual(copy(1), 6)

    def test_one_function_in_two_places(self):
        """A function that two modules hold is the same object in both, as before; each gets its own back."""
        other = types.ModuleType('other')
        other.sell = original = self.shop.sell
        patch.install(Row('shop', 'sell', doubled), self.shop)
        patch.install(Row('other', 'sell', doubled), other)
        self.assertIs(self.shop.sell, other.sell)
        later = types.ModuleType('later')
        later.sell = self.shop.sell
        patch.install(Row('later', 'sell', doubled), later)
        self.assertEqual(later.sell(1), 6)
        patch.uninstall_all()
        for module in (self.shop, other, later):
            self.assertIs(module.sell, original)

    def test_others_beneath_and_on_top(self):
        """Another's patch stays where it is; ours works once, whether it lies beneath theirs, on top, or both."""
        row = Row('shop', 'Till.ring', doubled)
        patch.install(row, self.shop)
        ours = vars(self.shop.Till)['ring']

        def theirs(self, n):
            return ours(self, n) + 100

        self.shop.Till.ring = theirs
        patch.uninstall_all()
        self.assertEqual(self.shop.Till().ring(3), 103)
        patch.install(row, self.shop)
        self.assertEqual(self.shop.Till().ring(3), 206)
        patch.uninstall_all()
        self.assertIs(vars(self.shop.Till)['ring'], theirs)

    def test_a_parent_that_is_patched_later(self):
        """Where a class only inherits a method, what somebody does to the parent afterwards counts."""
        patch.install(Row('shop', 'Child.ring', doubled), self.shop)
        self.shop.Till.ring = lambda self, n: n + 1
        self.assertEqual(self.shop.Child().ring(3), 8)

    def test_what_is_broken_is_left_alone(self):
        """What cannot be wrapped unnoticed, cannot be set, or cannot even be looked at is noted, and stays as it is."""
        self.tolerant = True
        till, values = self.shop.Till, vars(self.shop)
        till.total = property(lambda self: 7)
        till.made = classmethod(lambda cls: cls)

        class Closed(type(till)):
            def __setattr__(cls, name, value):
                raise TypeError('closed')

        class Shy(object):
            def __getattr__(self, name):
                raise ValueError('do not look')

        self.shop.Closed = Closed('Closed', (object,), {'ring': lambda self: 1})
        self.shop.number, self.shop.shy = 3, Shy()
        targets = ('Till.total', 'Till.made', 'Till', 'number', 'Closed.ring', 'shy.hidden', 'sell.missing.name', 'Till.__init__')
        before = dict(values), dict(vars(till))
        for target in targets:
            patch.install(Row('shop', target, doubled), self.shop)
        states = dict((r['target'], (r['state'], r['reason'])) for r in ledger.rows())
        found = dict((target, states['shop.' + target]) for target in targets)
        for target in ('sell.missing.name', 'Till.__init__'):
            self.assertEqual(found.pop(target), (ABSENT, 'this version does not have it'))
        self.assertEqual(set(state for state, _ in found.values()), set([FAILED]))
        self.assertEqual(found['Till.total'][1], 'it is a property, not a function')
        self.assertEqual(found['Till.made'][1], 'it is a classmethod, not a function')
        self.assertEqual(found['Till'][1], 'it is a class, not a function')
        self.assertEqual(found['Closed.ring'][1], 'TypeError: closed')
        self.assertEqual(found['shy.hidden'][1], 'ValueError: do not look')
        self.assertEqual((dict(values), dict(vars(till))), before)
        self.assertEqual((till().total, till.made()), (7, till))
