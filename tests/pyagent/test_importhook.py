"""The import hook: who waits for a module is told of it, and nobody else can tell."""

from __future__ import absolute_import

import os
import sys
import types

from pyagent.core import facts
from pyagent.instrument import importhook

from .support import Case

try:
    from importlib import reload as reload_module
    from importlib.util import find_spec as importlib_find
except ImportError:
    reload_module = importlib_find = None


class Importing(Case):
    NAME = 'cowitness_imported'

    def setUp(self):
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


    def test_imported_again(self):
        """A module that is reloaded, or loaded once more, is told again: it has new functions."""
        seen = []
        importhook.when_imported(self.NAME, seen.append)
        module = __import__(self.NAME)
        if facts.HAS_SPECS:  # 2.7 reloads past every finder
            reload_module(module)
            self.assertEqual(len(seen), 2)
        del sys.modules[self.NAME]
        self.assertIs(__import__(self.NAME), seen[-1])
        self.assertIsNot(seen[-1], module)

    def test_looking_is_not_loading(self):
        """Who only asks where a module is gets what there is without us, also for one that is not there."""
        import pkgutil

        importhook.when_imported(self.NAME, self.fail)
        importhook.when_imported('cowitness_nowhere', self.fail)
        find = pkgutil.find_loader if not facts.HAS_SPECS else importlib_find
        self.assertIsNone(find('cowitness_nowhere'))
        found = find(self.NAME)
        self.assertIn('value = 1', getattr(found, 'loader', found).get_source(self.NAME))
        importhook.uninstall()
        self.assertIs(find(self.NAME).__class__, found.__class__)

    def test_from_a_zip(self):
        """A module in an archive, whose loader is of the old kind in old versions."""
        import zipfile

        path = os.path.join(self.directory, 'library.zip')
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('cowitness_zipped.py', 'value = 2')
        sys.path.insert(0, path)
        self.addCleanup(sys.path.remove, path)
        self.addCleanup(sys.modules.pop, 'cowitness_zipped', None)
        seen = []
        importhook.when_imported('cowitness_zipped', lambda module: seen.append(module.value))
        module = __import__('cowitness_zipped')
        self.assertEqual(seen, [2])
        self.assertNotIn('pyagent', type(module.__loader__).__module__)

    def test_by_a_finder_of_the_old_kind(self):
        """A finder that has find_module alone is asked as long as the interpreter asks those."""
        if not facts.HAS_OLD_FINDERS:
            self.skipTest('this version does not ask them')
        made = types.ModuleType('cowitness_old')

        class Finder(object):
            def find_module(self, name, path=None):
                return self if name == 'cowitness_old' else None

            def load_module(self, name):
                sys.modules[name] = made
                return made

        finder = Finder()
        sys.meta_path.append(finder)
        self.addCleanup(sys.meta_path.remove, finder)
        self.addCleanup(sys.modules.pop, 'cowitness_old', None)
        seen = []
        importhook.when_imported('cowitness_old', seen.append)
        self.assertIs(__import__('cowitness_old'), made)
        self.assertEqual(seen, [made])

    def test_turned_off_while_it_loads(self):
        """An import that is under way when the finder goes away ends as ever, and nobody is called."""
        seen = []
        importhook.when_imported(self.NAME, seen.append)
        with open(os.path.join(self.directory, self.NAME + '.py'), 'w') as file:
            file.write('from pyagent.instrument import importhook\nimporthook.uninstall()\nvalue = 3\n')
        module = __import__(self.NAME)
        self.assertEqual((module.value, seen), (3, []))
        self.assertNotIn('pyagent', type(getattr(module, '__loader__', None)).__module__)


class BrokenCallback(Importing):
    tolerant = True

    def test_a_broken_callback_is_not_the_apps(self):
        """An error in a callback is swallowed; the import succeeds."""
        importhook.when_imported(self.NAME, lambda module: 1 // 0)
        self.assertEqual(__import__(self.NAME).value, 1)
