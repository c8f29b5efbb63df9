"""Settings from the environment: ours, OpenTelemetry's, Datadog's, and what cannot be."""

from __future__ import absolute_import

import os
import shutil
import tempfile
import unittest

from pyagent.core.config import Config


class Settings(unittest.TestCase):
    def test_defaults(self):
        """Without any variable the agent monitors, with a deadline of 20 ms and sockets in /run/cowitness."""
        config = Config({})
        self.assertEqual((config.mode, config.deadline, config.problems), ('monitor', 0.02, []))
        self.assertEqual(config.socket_path, '/run/cowitness/agent.sock')

    def test_bad_values_are_said_and_ignored(self):
        """A value that cannot be leaves the default and is named among the problems."""
        config = Config({'COWITNESS_MODE': 'loud', 'COWITNESS_DEADLINE_MS': '0', 'COWITNESS_BODY_BYTES': 'x'})
        self.assertEqual((config.mode, config.deadline, config.body_bytes), ('monitor', 0.02, 131072))
        self.assertEqual(len(config.problems), 3)
        self.assertTrue(all(name in ' '.join(config.problems) for name in ('MODE', 'DEADLINE', 'BODY')))

    def test_off(self):
        """Both switches turn it off; Datadog's counts only where ours is silent."""
        self.assertEqual(Config({'COWITNESS_ENABLED': 'false'}).mode, 'off')
        self.assertEqual(Config({'DD_APPSEC_ENABLED': '0'}).mode, 'off')
        self.assertEqual(Config({'DD_APPSEC_ENABLED': '0', 'COWITNESS_ENABLED': '1'}).mode, 'monitor')

    def test_service_names(self):
        """Our name goes before OpenTelemetry's, that before Datadog's."""
        env = {'DD_SERVICE': 'dd', 'DD_ENV': 'e1', 'DD_VERSION': '1'}
        config = Config(env)
        self.assertEqual((config.service, config.environment, config.service_version), ('dd', 'e1', '1'))
        env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=otel, deployment.environment.name=e2,junk'
        self.assertEqual((Config(env).service, Config(env).environment), ('otel', 'e2'))
        env['OTEL_SERVICE_NAME'] = 'named'
        self.assertEqual(Config(env).service, 'named')
        env['COWITNESS_SERVICE'] = 'ours'
        self.assertEqual(Config(env).service, 'ours')

    def test_user_modes(self):
        """Datadog's spellings are understood; what nobody knows disables rather than tells too much."""
        name = 'DD_APPSEC_AUTO_USER_INSTRUMENTATION_MODE'
        self.assertEqual(Config({}).user_mode, 'ids')
        self.assertEqual(Config({name: 'anonymization'}).user_mode, 'anonymisation')
        self.assertEqual(Config({name: 'ident'}).user_mode, 'identification')
        self.assertEqual(Config({name: 'whatever'}).user_mode, 'disabled')
        self.assertEqual(Config({'COWITNESS_USER_MODE': 'whatever'}).user_mode, 'disabled')

    def test_addresses(self):
        """TCP goes to loopback alone; what cannot be is named, and the socket stays."""
        for text, address in (('127.0.0.1:9465', ('127.0.0.1', 9465)), ('[::1]:1', ('::1', 1)), ('localhost:7', ('127.0.0.1', 7))):
            config = Config({'COWITNESS_ADDRESS': text})
            self.assertEqual((config.address, config.problems), (address, []))
        for text in ('10.0.0.1:9465', 'example.org:80', '127.0.0.1', '127.0.0.1:0', ':9465', '127.0.0.1:x', '127.0.0.1:99999'):
            config = Config({'COWITNESS_ADDRESS': text})
            self.assertEqual((config.address, len(config.problems)), (None, 1), text)
        self.assertEqual(Config({}).place, '/run/cowitness/agent.sock')

    def test_tokens(self):
        """From the environment, else from a file; anything but 64 hexadecimal digits is no token, and is not sent."""
        token = '0f' * 32
        self.assertEqual(Config({'COWITNESS_TOKEN': token}).token(), token)
        path = os.path.join(tempfile.mkdtemp(prefix='cw-'), 'token')
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        self.assertRaises(EnvironmentError, Config({'COWITNESS_TOKEN_FILE': path}).token)
        for content in (token + '\n', 'short', token + token, 'PASSWORD=' + token):
            with open(path, 'w') as file:
                file.write(content)
            config = Config({'COWITNESS_TOKEN_FILE': path})
            if content == token + '\n':
                self.assertEqual(config.token(), token)
            else:
                self.assertRaises(EnvironmentError, config.token)
