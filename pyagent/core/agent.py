"""The agent of this process: settings, stream and verdicts, held in one place that hooks can reach."""

from __future__ import absolute_import

import os

from . import facts, guard
from .config import MODES, Config
from .ledger import ledger
from .transport import Stream
from .verdicts import Verdicts


class Agent(object):
    """`mode` is what policy says, else what the environment says: off, monitor, block."""

    def __init__(self, config):
        self.config = config
        self.mode = config.mode
        self.policy_version = 0
        self.stream = Stream(config, self.obey)
        self.verdicts = Verdicts(config)

    def obey(self, policy):
        """Take over a policy; one that cannot be is left alone."""
        mode = policy.get('mode') or self.config.mode
        version = policy.get('version')
        if mode in MODES and isinstance(version, int):
            self.mode = self.stream.mode = mode
            self.policy_version = version

    def status(self):
        """What people ask of an agent: is it on, is it connected, what is hooked, what went wrong."""
        return {
            'enabled': self.mode != 'off',
            'mode': self.mode,
            'socket': self.config.place,
            'lacking': facts.lacking(),
            'connected': self.stream.connected,
            'witnessed': self.stream.witnessed,
            'last_error': self.stream.last_error,
            'problems': list(self.config.problems) + guard.errors(),
            'hooks': ledger.rows(),
            'counters': dict(guard.counters),
        }


_agent = [None]
_follows_forks = [False]


def start(environ=None):
    """Make the agent of this process, unless it is there already."""
    if _agent[0] is None:
        _agent[0] = Agent(Config(environ))
        if facts.HAS_FORK_HOOKS and not _follows_forks[0]:
            _follows_forks[0] = True
            os.register_at_fork(after_in_child=_forked)  # novm
    return _agent[0]


@guard.guarded
def _forked():
    """A child that never serves should not keep its parent's connections open."""
    if _agent[0] is not None:
        _agent[0].stream.follow_fork()
        _agent[0].verdicts.follow_fork()


def stop():
    """Send what waits and forget the agent."""
    agent, _agent[0] = _agent[0], None
    if agent is not None:
        guard.guarded(agent.stream.close)()
        guard.guarded(agent.verdicts.close)()


def get():
    """The agent, or None before `start` and after `stop`."""
    return _agent[0]
