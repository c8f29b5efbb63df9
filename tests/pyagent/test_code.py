"""Code and objects that are made of text: seen as operations, and everything else is as without the agent."""

from __future__ import absolute_import, division

import ast
import collections
import datetime
import io
import os
import pickle
import sys
import unittest

from pyagent.core import facts
from pyagent.core.names import builtins

from .support import HookCase

try:
    import cPickle as quick
except ImportError:
    quick = pickle

NUMBER = 7


# What pickle makes of (os.system, ('true',)), by protocol: a name in two lines, or two strings and an opcode.
EVIL = [b"cposix\nsystem\n(S'true'\ntR.", b'\x80\x02cposix\nsystem\nq\x00U\x04trueq\x01\x85q\x02Rq\x03.']
if facts.TEXT_IS_UNICODE:
    EVIL += [b'\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.']


class Sources(HookCase):
    def test_eval_is_code(self):
        """eval is an operation with its text; what it calls is one of its own."""
        found = self.operations(lambda: eval("__import__('os').system('true')"))
        self.assertEqual(found[0], ('code', "__import__('os').system('true')", 'eval'))
        self.assertEqual(found[1], ('shell', 'true', 'os.system'))

    @unittest.skipUnless(facts.TEXT_IS_UNICODE, 'exec is a statement on 2.7')
    def test_exec_and_compile_are_code(self):
        """exec and compile are operations, too; a tree that nobody runs is none."""
        run = getattr(builtins, 'exec')
        self.assertEqual(self.operations(lambda: run('x = 1', {})), [('code', 'x = 1', 'exec')])
        self.assertEqual(
            self.operations(lambda: run(compile('x = 2', '<x>', 'exec'), {})), [('code', 'x = 2', 'compile')]
        )
        self.assertEqual(self.operations(lambda: ast.literal_eval('[1, 2]')), [])

    def test_much_code_leaves_room(self):
        """Libraries that make code of text while they are imported use up no more than a part of what is kept."""
        found = self.operations(lambda: [eval(str(number)) for number in range(600)] + [os.system('true')])
        self.assertEqual([text for kind, text, _ in found if kind == 'code'], [str(n) for n in range(536, 600)])
        self.assertEqual(found[-1], ('shell', 'true', 'os.system'))

    def test_names_of_the_caller(self):
        """Without names of their own eval and exec have the caller's: its variables, its module's, and no more."""
        local = 5
        self.assertEqual(eval('local + NUMBER'), 12)
        self.assertEqual(eval('NUMBER', {'NUMBER': 1}), 1)
        self.assertEqual(eval('local', globals(), {'local': 2}), 2)
        self.assertEqual(eval(' \t local'), 5)
        with self.assertRaises(NameError):
            eval('original')
        self.assertIs(eval('self'), self)
        self.assertEqual(sorted(eval('locals()')), ['local', 'self'])

    def test_what_the_caller_imported_from_the_future(self):
        """The text means what it means in its caller's file: here 7 / 2 is 3.5, also on 2.7."""
        self.assertEqual(eval('7 / 2'), 3.5)
        self.assertEqual(eval(compile('7 / 2', '<x>', 'eval')), 3.5)
        self.assertEqual(eval(compile('7 // 2', '<x>', 'eval', 0, True)), 3)

    def test_errors_are_their_own(self):
        """Wrong calls and wrong texts fail as they do without the agent."""
        with self.assertRaises(TypeError):
            eval()
        with self.assertRaises(SyntaxError):
            eval('1 +')
        with self.assertRaises(ZeroDivisionError):
            self.operations(lambda: eval('1 / 0'))

    def test_a_kept_function_works_when_hooks_are_gone(self):
        """A copy that was taken while hooks were in place has its caller's names also afterwards."""
        from pyagent.instrument import everything

        kept, local = eval, 3
        everything.uninstall()
        self.assertIsNot(kept, eval)
        self.assertEqual(kept('local + NUMBER'), 10)

    @unittest.skipUnless(facts.TEXT_IS_UNICODE, 'the import of 2.7 is in C')
    def test_imports_keep_the_original(self):
        """A traceback through an import does not lead through the agent."""
        with open(os.path.join(self.directory, 'cw_broken.py'), 'w') as file:
            file.write('1 / 0\n')
        sys.path.insert(0, self.directory)
        self.addCleanup(sys.path.remove, self.directory)
        try:
            __import__('cw_broken')
        except ZeroDivisionError:
            trace, files = sys.exc_info()[2], []
        while trace is not None:
            files.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        self.assertEqual([name for name in files if 'pyagent' in name and 'tests' not in name], [])


class Objects(HookCase):
    def test_a_dangerous_name_is_told(self):
        """Whatever protocol a pickle has, a name that no data need is an operation, and so is what it calls."""
        expected = [('deserialize', 'posix.system', 'pickle'), ('shell', 'true', 'os.system')]
        for data in EVIL:
            self.assertEqual(self.operations(lambda: quick.loads(data)), expected)
            self.assertEqual(self.operations(lambda: quick.load(io.BytesIO(data))), expected)

    def test_plain_data_are_nothing(self):
        """Values, and classes of values, are no operation, and are read as ever."""
        value = [{'code': 1, 'platform': 'os'}, datetime.datetime(2026, 1, 2), collections.OrderedDict(a=1), set('ab')]
        data = quick.dumps(value, 2)
        read = []
        self.assertEqual(self.operations(lambda: read.append(quick.loads(data))), [])
        self.assertEqual(read, [value])

    def test_a_file_is_read_as_far_as_ever(self):
        """Objects that follow each other in a file are read one by one."""
        file = io.BytesIO(quick.dumps([1], 2) + quick.dumps([2], 2))
        read = []
        self.operations(lambda: read.extend([quick.load(file), quick.load(file)]))
        self.assertEqual(read, [[1], [2]])

    def test_broken_data_fail_as_ever(self):
        """The error is the one without the agent, in its class and words."""
        for data in (b'', b'\x80\x02]q', b'garbage', quick.dumps([1, 'abc'], 2)[:-3]):
            expected = self.failure(data)
            found = []
            self.operations(lambda: found.append(self.failure(data)))
            self.assertEqual(found, [expected])

    def failure(self, data):
        try:
            quick.loads(data)
        except Exception as error:
            return type(error), str(error)
        return None

    @unittest.skipUnless(facts.TEXT_IS_UNICODE, 'the one in Python is pickle itself there')
    def test_the_unpickler_in_python(self):
        """Libraries that make their own of it are seen as well."""
        found = self.operations(lambda: pickle._Unpickler(io.BytesIO(EVIL[-1])).load())
        self.assertEqual(found[0][:2], ('deserialize', 'posix.system'))
