"""The mark is one lseek with a value that is no offset, and harms no descriptor."""

from __future__ import absolute_import

import os
import sys
import tempfile
import threading
import unittest

from pyagent.core import facts, mark


class Mark(unittest.TestCase):
    def setUp(self):
        self.calls = []
        real, here = os.lseek, threading.current_thread()

        def listening(*args):
            if threading.current_thread() is here:  # not what a thread of another test still does
                self.calls.append(args)
            return real(*args)

        os.lseek = listening
        self.addCleanup(setattr, os, 'lseek', real)

    @unittest.skipUnless(sys.platform.startswith('linux'), 'marks are a Linux thing')
    def test_set_and_clear(self):
        """The request id stands in the low 62 bits; the empty mark has none; neither raises."""
        mark.set_mark(0x1F2E3D4C5B6A7988)
        mark.clear_mark()
        values = [value for _, value, whence in self.calls if whence == 0]
        self.assertEqual(values, [(1 << 62) | 0x1F2E3D4C5B6A7988, 1 << 62])

    def test_no_descriptor_is_moved(self):
        """An open file stays where it was, whatever descriptor it has."""
        with tempfile.TemporaryFile() as file:
            file.write(b'hello')
            file.flush()
            mark.set_mark(5)
            self.assertEqual(file.tell(), 5)
        self.assertTrue(all(call[0] == -1 for call in self.calls))

    def test_other_systems(self):
        """Where there are no marks, nothing is called."""
        facts.HAS_MARKS, before = False, facts.HAS_MARKS
        self.addCleanup(setattr, facts, 'HAS_MARKS', before)
        mark.set_mark(5)
        self.assertEqual(self.calls, [])
