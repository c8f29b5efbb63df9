"""Turning the agent on and off, and asking how it is. The one place that puts its parts together."""

from __future__ import absolute_import

from .core import agent as agents
from .core import guard

_enabled = [False]


def enable():
    """Hook what can be hooked and start telling the node's collector. Safe to call twice; never raises."""
    try:
        if not _enabled[0]:
            agent = agents.start()
            if agent.config.mode != 'off':
                from .instrument import everything

                everything.install()
            _enabled[0] = True
    except Exception:
        guard.swallow('enable')


def disable():
    """Take every hook away, send what waits, hang up."""
    try:
        if _enabled[0]:
            from .instrument import everything

            everything.uninstall()
            agents.stop()
            _enabled[0] = False
    except Exception:
        guard.swallow('disable')


def status():
    """What the agent is doing, as a dict: mode, connected, witnessed, hooks, counters, problems."""
    agent = agents.get()
    if agent is None:
        return {
            'enabled': False,
            'mode': 'off',
            'hooks': [],
            'counters': {},
            'problems': guard.errors(),
        }
    return agent.status()
