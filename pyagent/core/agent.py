"""The agent of this process: settings, stream and verdicts, held in one place that hooks can reach."""

from __future__ import absolute_import

import os

from . import facts, guard
from .config import MODES, Config
from .ledger import ledger
from .transport import Stream
from .verdicts import Verdicts


class Agent(object):
    """`mode` is what the environment says, else what policy says, else monitor; policy's off is everybody's.

    `asks`: requests wait for a verdict: in block mode, and in monitor mode that nobody asked for where the policy lists
    addresses, users or rules that are refused all the same. `asks_users`: again when the user is known;
    `asks_routes`: when the route is; `asks_responses`: before the answer goes out, whatever was found.
    """

    def __init__(self, config):
        self.config = config
        self.mode = config.mode
        self.policy_version = 0
        self.asks = self.mode == 'block'
        self.asks_users = self.asks_responses = self.asks_routes = False
        self.stream = Stream(config, self.obey)
        self.verdicts = Verdicts(config)

    def obey(self, policy):
        """Take over a policy; one that cannot be is left alone."""
        wanted, version = policy.get('mode') or self.config.mode, policy.get('version')
        if wanted not in MODES or not isinstance(version, int):
            return
        own = self.config.mode_is_set and wanted != 'off'
        self.mode = self.stream.mode = self.config.mode if own else wanted
        may = self.mode == 'block' or (self.mode == 'monitor' and not self.config.mode_is_set)
        self.asks = self.mode == 'block' or (may and bool(policy.get('lists')))
        self.asks_users = may and bool(policy.get('users'))
        self.asks_responses = may and bool(policy.get('responses'))
        self.asks_routes = may and bool(policy.get('routes'))
        self.policy_version = self.stream.policy_version = version

    def status(self):
        """What people ask of an agent: is it on, is it connected, what is hooked, what went wrong."""
        return {
            'enabled': self.mode != 'off',
            'mode': self.mode,
            'policy_version': self.policy_version,
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
