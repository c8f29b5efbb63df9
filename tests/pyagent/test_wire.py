"""The agent's frames are those of proto/wire."""

from __future__ import absolute_import

import json
import unittest

from pyagent.core import wire

from .support import golden


class Wire(unittest.TestCase):
    def test_golden_bodies_survive(self):
        """A golden body that is encoded, framed and split again is the same value."""
        for name in ('hello', 'batch', 'ask', 'ask_operation', 'status', 'welcome', 'verdict'):
            body = golden(name)
            data = wire.frame(wire.ASK, 7, wire.encode_body(body))
            self.assertEqual(wire.Splitter().feed(data), [(wire.ASK, 7, body)], name)

    def test_header_layout(self):
        """The header is length, kind, version, reserved, sequence, big-endian."""
        self.assertEqual(wire.frame(2, 258, b'{}'), b'\0\0\0\2\2\1\0\0\0\0\1\2{}')

    def test_frames_arrive_in_pieces(self):
        """A stream that is cut anywhere gives the same frames."""
        data = wire.frame(1, 1, b'{"a":1}') + wire.frame(2, 2, b'{}')
        splitter, frames = wire.Splitter(), []
        for index in range(len(data)):
            frames += splitter.feed(data[index : index + 1])
        self.assertEqual(frames, [(1, 1, {'a': 1}), (2, 2, {})])

    def test_bad_frames_are_refused(self):
        """Another version, a reserved field, an endless length, and a body that is no object raise WireError."""
        for data in (
            b'\0\0\0\2\1\2\0\0\0\0\0\0{}',
            b'\0\0\0\2\1\1\0\1\0\0\0\0{}',
            b'\xff\0\0\2\1\1\0\0\0\0\0\0{}',
            b'\0\0\0\2\1\1\0\0\0\0\0\0[]',
            b'\0\0\0\2\1\1\0\0\0\0\0\0{x',
        ):
            self.assertRaises(wire.WireError, wire.Splitter().feed, data)

    def test_lone_surrogates_do_not_break_a_body(self):
        """Text that UTF-8 cannot hold is still valid JSON in UTF-8 on Python 3."""
        data = wire.encode_body({'a': u'x\udc80y'})
        self.assertIn('a', json.loads(data.decode('utf-8')))

    def test_batch_is_the_golden_shape(self):
        """Records that were encoded one by one make the body of a BATCH."""
        batch = golden('batch')
        records = [wire.encode_body(record) for record in batch['records']]
        body = json.loads(wire.encode_batch(records, batch['dropped']).decode('utf-8'))
        self.assertEqual(body, batch)
