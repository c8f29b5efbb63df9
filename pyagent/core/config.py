"""Settings of the agent, read once from the environment. A setting that cannot be is ignored and said in the ledger."""

from __future__ import absolute_import

import os
import re
import sys

from . import guard, native

MAX_TOKEN = 256
_TOKEN = re.compile('[0-9a-f]{64}\\Z')
MODES = ('off', 'monitor', 'block')
USER_MODES = ('ids', 'identification', 'anonymisation', 'disabled')
_DATADOG_USER_MODES = {'ident': 'identification', 'anon': 'anonymisation', 'disabled': 'disabled'}


class Config(object):
    """What the agent was told. Deadlines in seconds, sizes in bytes."""

    def __init__(self, environ=None):
        env = os.environ if environ is None else environ
        self.problems = []
        self.mode = self._mode(env)
        self.mode_is_set = self.mode == 'off' or 'COWITNESS_MODE' in env
        self.run_dir = env.get('COWITNESS_RUN_DIR') or '/run/cowitness'
        self.deadline = self._number(env, 'COWITNESS_DEADLINE_MS', 20, 1, 1000) / 1000.0
        attack = self._number(env, 'COWITNESS_ATTACK_DEADLINE_MS', 250, 1, 5000) / 1000.0
        self.attack_deadline = max(attack, self.deadline)
        self.body_bytes = self._number(env, 'COWITNESS_BODY_BYTES', 131072, 0, 131072)
        self.service, self.environment, self.service_version = _identity(env)
        self.user_mode = self._user_mode(env)
        self.user_salt = env.get('COWITNESS_USER_SALT', '')[:200]
        self.address = self._address(env)
        self.token_file = env.get('COWITNESS_TOKEN_FILE') or os.path.join(
            self.run_dir, 'agent.token'
        )
        self._token = env.get('COWITNESS_TOKEN', '')
        self.propagate = self._choice(env, 'COWITNESS_PROPAGATE', ('on', 'off'), 'on') == 'on'

    @property
    def socket_path(self):
        """The agent socket of the node's collector."""
        return os.path.join(self.run_dir, 'agent.sock')

    @property
    def place(self):
        """Where the collector is, for people."""
        return '%s:%d' % self.address if self.address else self.socket_path

    def token(self):
        """What the collector wants to hear on TCP before anything else; raises an EnvironmentError without one."""
        token = self._token
        if not token:
            with native.open(self.token_file, 'rb') as file:
                token = file.read(MAX_TOKEN).decode('latin-1')
        if not _TOKEN.match(token.strip()):
            raise EnvironmentError('no token of 64 hexadecimal digits in ' + self.token_file)
        return token.strip()

    def _address(self, env):
        """A loopback address and port, or None: nothing is sent to another machine."""
        host, _, port = env.get('COWITNESS_ADDRESS', '').rpartition(':')
        host = host.strip('[]')
        if host in ('127.0.0.1', '::1', 'localhost') and port.isdigit() and 0 < int(port) < 65536:
            return '127.0.0.1' if host == 'localhost' else host, int(port)
        if host or port:
            self.problems.append('COWITNESS_ADDRESS must be a loopback address and a port')
        return None

    def _mode(self, env):
        enabled = env.get('COWITNESS_ENABLED', env.get('DD_APPSEC_ENABLED', '1'))
        if enabled.strip().lower() in ('0', 'false', 'no', 'off'):
            return 'off'
        return self._choice(env, 'COWITNESS_MODE', MODES, 'monitor')

    def _user_mode(self, env):
        if 'COWITNESS_USER_MODE' in env:
            return self._choice(env, 'COWITNESS_USER_MODE', USER_MODES, 'disabled')
        datadog = env.get('DD_APPSEC_AUTO_USER_INSTRUMENTATION_MODE')
        if datadog is None:
            return 'ids'
        for prefix, mode in _DATADOG_USER_MODES.items():
            if datadog.startswith(prefix):
                return mode
        return 'disabled'

    def _choice(self, env, name, choices, default):
        value = env.get(name, default).strip().lower()
        if value in choices:
            return value
        self.problems.append('%s must be one of %s' % (name, ', '.join(choices)))
        return default

    def _number(self, env, name, default, low, high):
        try:
            value = int(env.get(name, default))
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            self.problems.append('%s must be a number from %d to %d' % (name, low, high))
            return default
        return value


def _identity(env):
    """Service name, environment and version: ours, else OpenTelemetry's, else Datadog's."""
    resource = _resource_attributes(env.get('OTEL_RESOURCE_ATTRIBUTES', ''))
    service = env.get('COWITNESS_SERVICE') or env.get('OTEL_SERVICE_NAME')
    service = service or resource.get('service.name') or env.get('DD_SERVICE') or ''
    environment = resource.get('deployment.environment.name')
    environment = environment or resource.get('deployment.environment') or env.get('DD_ENV') or ''
    return service, environment, resource.get('service.version') or env.get('DD_VERSION') or ''


def _resource_attributes(text):
    pairs = (pair.partition('=') for pair in text.split(',') if '=' in pair)
    return dict((key.strip(), value.strip()) for key, _, value in pairs)


@guard.guarded
def runtime():
    """The interpreter's name and version: "CPython 3.11.2"."""
    import platform

    return '%s %s' % (platform.python_implementation(), sys.version.split()[0])
