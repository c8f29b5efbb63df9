"""Wrappers: whatever people ask of a hooked function is answered as without the hook."""

from __future__ import absolute_import

import copy
import inspect
import os
import pickle
import subprocess
import sys
import types
import unittest

from pyagent.core import facts
from pyagent.instrument import patch, wrappers
from pyagent.instrument.patch import Row

from .support import Case, HookCase


def passed(original, args, kwargs):
    return original(*args, **kwargs)


class Asked(HookCase):
    def test_pickle_and_copy(self):
        """Functions in C and in Python are pickled by their name, as a process pool does, and are their own copies."""
        for function in (os.system, os.open, open, os.popen):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                self.assertIs(pickle.loads(pickle.dumps(function, protocol)), function)
            self.assertIs(copy.deepcopy(function), function)
            self.assertIs(copy.copy(function), function)
        code = 'import os, pickle, sys; f = pickle.loads(sys.stdin.buffer.read()); assert f is os.system, f'
        if str is bytes:
            code = code.replace('.buffer', '')
        child = subprocess.Popen([sys.executable, '-S', '-c', code], stdin=subprocess.PIPE)
        child.communicate(pickle.dumps(os.system, 2))
        self.assertEqual(child.returncode, 0)

    def test_names_and_kinds(self):
        """Name, documentation, kind, signature, and what is written of it."""
        name = os.system.__name__, os.system.__doc__, repr(os.system), os.system.__self__
        self.assertEqual(name[0], 'system')
        self.assertTrue(isinstance(os.system, types.BuiltinFunctionType) and inspect.isbuiltin(os.system))
        self.assertTrue(callable(os.system))
        written = repr(os.system), os.system.__doc__, os.system.__self__
        popen = inspect.getmodule(subprocess.Popen.__init__), subprocess.Popen.__init__.__name__
        signature = str(inspect.signature(os.system)) if facts.HAS_SPECS else ''
        from pyagent.instrument import everything

        everything.uninstall()
        self.assertEqual(written, (repr(os.system), os.system.__doc__, os.system.__self__))
        self.assertEqual(popen, (inspect.getmodule(subprocess.Popen.__init__), '__init__'))
        if signature:
            self.assertEqual(signature, str(inspect.signature(os.system)))


    @unittest.skipUnless(hasattr(os, 'supports_dir_fd'), 'only since 3.3')
    def test_they_equal_what_they_stand_for(self):
        """They are found in sets of functions, by which shutil knows whether it can remove a tree that is safe from links."""
        self.assertTrue({os.open, os.unlink, os.rmdir} <= os.supports_dir_fd)
        self.assertIn(os.listdir, os.supports_fd)
        self.assertNotIn(os.system, os.supports_dir_fd)


class OthersDescriptors(Case):
    def setUp(self):
        super(OthersDescriptors, self).setUp()
        self.addCleanup(patch.uninstall_all)

    def test_they_bind_themselves(self):
        """A patch that is a descriptor (wrapt makes such) is told the instance, with ours on top of it."""

        class Theirs(object):
            def __init__(self, function):
                self.function = function

            def __call__(self, *args):
                raise AssertionError('called past its binding')

            def __get__(self, instance, kind):
                return lambda *args: (instance, self.function(instance, *args))

        class Till(object):
            ring = Theirs(lambda self, n: n)

        shop = types.ModuleType('shop')
        shop.Till = Till
        patch.install(Row('shop', 'Till.ring', passed), shop)
        till = Till()
        self.assertEqual(till.ring(3), (till, 3))
        patch.uninstall_all()
        self.assertIsInstance(vars(Till)['ring'], Theirs)


@unittest.skipUnless(facts.HAS_ASYNC, 'no coroutine functions that are hooked here')
class Coroutines(unittest.TestCase):
    def setUp(self):
        self.shop = types.ModuleType('shop')
        exec('async def handler(original, args, kwargs): return await original(*args, **kwargs)\n'
             'async def sell(n): return n\n'
             'def plain(n): return n\n'
             'import functools\n'
             '@functools.wraps(sell)\n'
             'def wrapped(n): return sell(n)\n', self.shop.__dict__)

    def test_only_what_is_awaited(self):
        """A coroutine function, or what somebody has wrapped around one, is awaited; a plain function is left alone."""
        make = lambda function: wrappers.make(self.shop, 'x', function, False, self.shop.handler, [True])
        for function in (self.shop.sell, self.shop.wrapped):
            made = make(function)
            self.assertTrue(inspect.iscoroutinefunction(made))
            try:
                made(3).send(None)
            except StopIteration as end:
                self.assertEqual(end.value, 3)
        self.assertRaises(wrappers.Unsuitable, make, self.shop.plain)
