"""The record of a request: the same whether its strings stand in it as they are or have to be escaped."""

from __future__ import absolute_import

import json
import unittest

from pyagent.core import lifecycle, wire
from pyagent.core.context import Operation
from pyagent.core.request_record import request_record

from .support import AgentCase, environ

HOSTILE = ['"', '\\', '\\"', '","x":"', '\\u0000","', '\x00', '\n', '\x1f', '\x7f', "'", '%s', '%', '}{', ']']


def made(environ, **outcome):
    """What a collector reads of such a request."""
    request = lifecycle.begin(environ)
    for name, value in outcome.items():
        setattr(request, name, value)
    return json.loads(request_record(request, 'end').decode('utf-8'))


class Strings(AgentCase):
    def test_hostile_strings(self):
        """Whatever a client or an app puts anywhere is that text afterwards, and nothing else of the record changes."""
        for text in HOSTILE + [text * 2 for text in HOSTILE] + ['x' * 5000]:
            expected = made(environ())
            found = made(
                environ(text, text, HTTP_HOST=text, HTTP_X_NEW=text, REQUEST_URI=text, REMOTE_ADDR=text, **{'HTTP_' + text: 'v'}),
                route=text, framework=text, response_headers=[('X-' + text.upper(), text)],
            )  # fmt: skip
            names = ('path', 'query', 'host', 'target', 'route', 'framework')
            self.assertEqual([found[name] for name in names], [text[:4096] if name not in ('path', 'query', 'target') else text for name in names])
            self.assertEqual(found['peer']['address'], text[:4096])
            self.assertEqual(found['response_headers'], [['x-' + text.lower()[:4094], text]])
            self.assertIn(['x-new', text], found['headers'])
            self.assertIn('v', [value for _, value in found['headers']])
            self.assertEqual(set(found) - {'body'}, set(expected))

    def test_quotes_in_headers(self):
        """Those that browsers send are escaped on the short way, one more anywhere is not overlooked."""
        hints = '"Chromium";v="130", "Not?A_Brand";v="99"'
        for query in ('', '"'):
            found = made(environ('/', query, HTTP_SEC_CH_UA=hints))
            self.assertEqual((found['query'], found['path']), (query, '/'))
            self.assertIn(['sec-ch-ua', hints], found['headers'])

    def test_values_that_are_not_ascii(self):
        """The latin-1 image of UTF-8 is that text; a route is text already."""
        found = made(environ('/caf\xc3\xa9', HTTP_X_A='caf\xc3\xa9'), route=u'/caf\xe9')
        self.assertEqual((found['path'], found['route']), (u'/caf\xe9', u'/caf\xe9'))
        self.assertIn(['x-a', u'caf\xe9'], found['headers'])

    def test_the_version_of_http(self):
        """Told where it is not the usual one; one that a server does not know is not made up."""
        for protocol, expected in (('HTTP/1.1', None), ('HTTP/1.0', '1.0'), ('HTTP/2', '2'), (None, None), (b'HTTP/1.0', '1.0')):
            self.assertEqual(made(environ(SERVER_PROTOCOL=protocol)).get('protocol_version'), expected)

    def test_values_of_other_types(self):
        """What a careless app or server hands over is told as text, and does not cost the record."""
        found = made(environ(HTTP_X_A=5, REMOTE_PORT='x'), response_headers=[('A', 1), (b'B', b'c')])
        self.assertIn(['x-a', '5'], found['headers'])
        self.assertEqual(found['peer']['port'], 0)
        self.assertEqual(found['response_headers'], [['a', '1'], ['b', 'c']])

    def test_members_that_are_not_always_there(self):
        """They come behind those that are."""
        found = made(environ(), path_params={'n': '"'}, response_size=7, sent_span_ids=('a',), status=404)
        self.assertEqual((found['path_params'], found['response_body_size']), ({'n': '"'}, 7))
        self.assertEqual((found['sent_span_ids'], found['status']), (['a'], 404))
        self.assertNotIn('response_body_size', made(environ()))


class Size(AgentCase):
    def test_records_that_no_frame_holds(self):
        """A record that is too large goes without its body."""
        request = lifecycle.begin(environ())
        request.body, request.body_size = [b'\x01' * 900000], 900000
        data = request_record(request, 'end')
        self.assertTrue(len(data) < 2000)
        self.assertTrue(json.loads(data.decode('utf-8'))['body_truncated'])

    def test_long_code_makes_room(self):
        """Code of imports is shortened before anything else is left out."""
        request = lifecycle.begin(environ())
        request.body, request.body_size = [b'a=1'], 3
        request.operations = [Operation('code', 'x' * 60000, 'exec') for _ in range(40)]
        request.operations.append(Operation('file', '/srv/a', 'open'))
        for index, operation in enumerate(request.operations):
            operation.index = operation.start_time = index
        found = json.loads(request_record(request, 'end').decode('utf-8'))
        self.assertEqual((found['body'], len(found['operations'])), ('a=1', 41))
        self.assertEqual(found['operations'][40]['text'], '/srv/a')

    def test_what_is_too_large_is_not_sent(self):
        """Other records that no frame holds are dropped, and counted."""
        self.agent.stream.put(b'x' * (wire.MAX_RECORD + 1))
        self.assertEqual(self.agent.stream._outbox.dropped, {'too_large': 1})


if __name__ == '__main__':
    unittest.main()
