"""What waits to be sent: bounded, evidence before the rest, drops counted by reason. Not locked: `transport` is."""

from __future__ import absolute_import

from collections import deque

from . import guard, wire

MAX_WEIGHT = 8 << 20
"""Bytes of encoded records that may wait."""

BATCH_BYTES = 256 << 10
BATCH_RECORDS = 1000


class Outbox(object):
    """Encoded records in two queues."""

    def __init__(self):
        self._urgent, self._bulk = deque(), deque()
        self._weight = 0
        self.dropped = {}

    def __len__(self):
        return len(self._urgent) + len(self._bulk)

    def put(self, record, urgent):
        """Queue an encoded record; what finds no room is dropped and counted."""
        queue = self._urgent if urgent else self._bulk
        self._weight += len(record)
        if self._weight > MAX_WEIGHT and not (urgent and self._make_room()):
            self._weight -= len(record)
            self.drop('buffer_full')
        else:
            queue.append(record)

    def drop(self, reason):
        """Count one lost record."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        guard.count('dropped_' + reason)

    def batch(self):
        """The body of the next BATCH, or None. Drops are told once."""
        records, size = [], 0
        while (self._urgent or self._bulk) and size < BATCH_BYTES and len(records) < BATCH_RECORDS:
            record = (self._urgent or self._bulk).popleft()
            records.append(record)
            size += len(record)
        self._weight -= size
        if not records and not self.dropped:
            return None
        dropped, self.dropped = self.dropped, {}
        return wire.encode_batch(records, dropped)

    def _make_room(self):
        """Evidence may push out what waits in bulk."""
        while self._bulk and self._weight > MAX_WEIGHT:
            self._weight -= len(self._bulk.popleft())
            self.drop('buffer_full')
        return self._weight <= MAX_WEIGHT
