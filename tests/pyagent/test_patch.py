"""Hooking: what a replaced attribute still is, and how it is put back."""

from __future__ import absolute_import

import types

from pyagent.core.ledger import ABSENT, INSTALLED, ledger
from pyagent.instrument import importhook, patch
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


class Importing(Case):
    NAME = 'cowitness_imported_by_a_test'

    def setUp(self):
        import os
        import sys

        super(Importing, self).setUp()
        with open(os.path.join(self.directory, self.NAME + '.py'), 'w') as file:
            file.write('value = 1\nif fail: raise ImportError("no")\n'.replace('fail', '__import__("os").environ.get("CW_F")'))
        sys.path.insert(0, self.directory)
        self.addCleanup(sys.path.remove, self.directory)
        self.addCleanup(sys.modules.pop, self.NAME, None)
        importhook.install()
        self.addCleanup(importhook.uninstall)

    def test_called_once_after_the_import(self):
        """The callback gets the finished module, once; the module's loader and spec are the real ones."""
        seen = []
        importhook.when_imported(self.NAME, lambda module: seen.append(module.value))
        module = __import__(self.NAME)
        __import__(self.NAME)
        self.assertEqual(seen, [1])
        loader = getattr(module, '__loader__', None)
        self.assertNotIn('pyagent', type(loader).__module__)
        spec = getattr(module, '__spec__', None)
        self.assertNotIn('pyagent', type(getattr(spec, 'loader', None)).__module__)

    def test_already_imported(self):
        """A module that is there already is told at once."""
        __import__(self.NAME)
        seen = []
        importhook.when_imported(self.NAME, seen.append)
        self.assertEqual(len(seen), 1)

    def test_a_failing_import_fails_as_ever(self):
        """The app sees its own ImportError; the next, successful import still tells."""
        import os

        seen = []
        importhook.when_imported(self.NAME, seen.append)
        os.environ['CW_F'] = '1'
        try:
            self.assertRaises(ImportError, __import__, self.NAME)
        finally:
            del os.environ['CW_F']
        __import__(self.NAME)
        self.assertEqual(len(seen), 1)

    def test_unknown_modules(self):
        """A module that does not exist raises what it raises without the hook."""
        importhook.when_imported('cowitness_nowhere', lambda module: None)
        self.assertRaises(ImportError, __import__, 'cowitness_nowhere')


class BrokenCallback(Importing):
    tolerant = True

    def test_a_broken_callback_is_not_the_apps(self):
        """An error in a callback is swallowed; the import succeeds."""
        importhook.when_imported(self.NAME, lambda module: 1 // 0)
        self.assertEqual(__import__(self.NAME).value, 1)
