"""The ledger of hooks: what was to be hooked, and what became of it. Answers "is it on?"."""

from __future__ import absolute_import

from . import native

PENDING, INSTALLED, ABSENT, FAILED = 'pending', 'installed', 'absent', 'failed'


class Ledger(object):
    """States by target ("module.attribute"). `version` grows with every change."""

    def __init__(self):
        self._states = {}
        self._lock = native.Lock()
        self.version = 0

    def note(self, target, state, reason=''):
        """Write down what happened to a hook."""
        with self._lock:
            if self._states.get(target) != (state, reason):
                self._states[target] = (state, reason[:500])
                self.version += 1

    def rows(self):
        """The hooks as the wire has them, sorted by target."""
        with self._lock:
            items = sorted(self._states.items())
        return [{'target': t, 'state': s, 'reason': r} for t, (s, r) in items]

    def reset_after_fork(self):
        self._lock = native.Lock()


ledger = Ledger()
