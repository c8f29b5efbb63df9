"""The interpreter's audit events keep the mark true where tasks take turns on a thread.

A hook sets the mark for what it wraps; what goes past every hook (C code that opens files, names that an app imported
before) still raises an audit event (PEP 578) right before it happens. The audit hook cannot be taken away again, so it
is added with the first request of the kind, and does nothing once the agent is off.
"""

from __future__ import absolute_import

import sys

from ..core import agent as agents
from ..core import context, facts, guard, mark

_EVENTS = frozenset(
    (
        'open', 'subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'os.fork',
        'os.forkpty', 'os.spawn', 'socket.connect', 'socket.sendto',
    )
)  # fmt: skip
_watching = [False]


@guard.guarded
def watch():
    """From now on, audit events refresh the mark of this process's threads."""
    if not _watching[0] and facts.HAS_AUDIT:
        _watching[0] = True
        sys.addaudithook(_audited)  # novm


def _audited(event, args):
    if event in _EVENTS:
        try:
            _refresh()
        except Exception:  # it would forbid the event
            guard.swallow('audit')


def _refresh():
    """A request that shares its thread is marked; a mark that was left here by another is taken away."""
    if agents.get() is None:
        return
    request = context.current()
    if request is not None and not request.shares_thread:
        return
    if request is not None and not request.ended:
        mark.leave_mark(request.number)
    else:
        mark.take_back()
