"""The guard, the ledger and the ids: what must hold whatever goes wrong."""

from __future__ import absolute_import

import unittest

from pyagent.core import guard, ids
from pyagent.core.blocked import Blocked
from pyagent.core.ledger import INSTALLED, PENDING, Ledger

from .support import Case


class Guard(Case):
    tolerant = True

    def test_exceptions_end_here(self):
        """An Exception becomes None, is counted, and is kept without the values that it carries."""

        @guard.guarded
        def breaks():
            raise ValueError('the password')

        before = guard.counters.get('guard_errors', 0)
        self.assertIsNone(breaks())
        self.assertEqual(guard.counters['guard_errors'], before + 1)
        self.assertIn('breaks: ValueError at', guard.errors()[-1])
        self.assertNotIn('the password', guard.errors()[-1])

    def test_blocked_and_exits_pass(self):
        """A refusal and the end of the process are not the guard's to swallow."""
        for error in (Blocked('1f', 403), SystemExit(), KeyboardInterrupt()):

            @guard.guarded
            def leaves():
                raise error

            self.assertRaises(type(error), leaves)

    def test_only_the_last_are_kept(self):
        """However many go wrong, twenty are kept."""
        for _ in range(100):
            guard.guarded(lambda: 1 // 0)()
        self.assertEqual(len(guard.errors()), guard.MAX_KEPT)


class Books(unittest.TestCase):
    def test_ledger_counts_changes(self):
        """The version grows with changes alone, so that STATUS is sent for those."""
        ledger = Ledger()
        ledger.note('os.system', PENDING)
        ledger.note('os.system', PENDING)
        self.assertEqual(ledger.version, 1)
        ledger.note('os.system', INSTALLED)
        self.assertEqual(ledger.version, 2)
        self.assertEqual(ledger.rows(), [{'target': 'os.system', 'state': INSTALLED, 'reason': ''}])

    def test_ids(self):
        """62 bits, never 0, sixteen digits, no two alike among many; a trace id has 32 digits."""
        pairs = [ids.new_pair() for _ in range(5000)]
        numbers = set(number for number, _ in pairs)
        self.assertEqual(len(numbers), 5000)
        self.assertTrue(all(0 < number < 1 << 62 for number in numbers))
        self.assertTrue(all(len(ids.hexadecimal(number)) == 16 for number in numbers))
        self.assertEqual(set(len(trace) for _, trace in pairs), set([32]))
