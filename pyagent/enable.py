"""Turning the agent on and off, and asking how it is. The one place that puts its parts together."""

from __future__ import absolute_import

from .core import agent as agents
from .core import guard, native

_lock = native.Lock()
_undo = []


def enable():
    """Hook what can be hooked and start telling the node's collector. Safe to call twice; never raises."""
    _alone(_enable)


def disable():
    """Take every hook away, send what waits, hang up. Never raises, and `enable` may follow."""
    _alone(_disable)


@guard.guarded
def _alone(change):
    """Whoever comes while another thread is at it does nothing: nobody waits."""
    if _lock.acquire(False):
        try:
            change()
        finally:
            _lock.release()


def _enable():
    if agents.start().config.mode != 'off' and not _undo:
        from .instrument import everything

        _undo.append(everything.uninstall)
        everything.install()


def _disable():
    try:
        while _undo:
            _undo.pop()()
    finally:
        agents.stop()


def status():
    """What the agent is doing, as a dict: mode, connected, witnessed, hooks, counters, problems. Never raises."""
    agent = agents.get()
    told = guard.guarded(agent.status)() if agent is not None else None
    return told or {
        'enabled': False,
        'mode': 'off',
        'hooks': [],
        'counters': {},
        'problems': guard.errors(),
    }
