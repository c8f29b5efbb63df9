"""Answers of which the app's own code is still making parts when it is refused, under the standard library's server."""

from __future__ import absolute_import

import io
from wsgiref.handlers import SimpleHandler

from pyagent import sdk
from pyagent.core import context
from pyagent.instrument import wsgi

from .support import AgentCase, environ


class Refusals(AgentCase):
    def serve(self, application):
        """What the client hears: status and body."""
        out, err = io.BytesIO(), io.BytesIO() if str is bytes else io.StringIO()
        try:
            SimpleHandler(io.BytesIO(), out, err, environ()).run(wsgi.wrap(application))
        except TypeError:  # before 3.8 it stumbles itself over an answer that broke off
            pass
        head, _, body = out.getvalue().partition(b'\r\n\r\n')
        return head.split(b'\r\n')[0].decode().partition(' ')[2], body

    def told(self):
        """The record's status, size of the answer, place of the refusal, and exception."""
        self.assertIsNone(context.current())
        record = self.ended()
        where = record['blocked']['where']
        return record['status'], record['response_body_size'], where, record.get('exception', {}).get('type')

    def refused_first(self, application):
        """Nothing was out: the client gets the refusal alone, and the app's generator is closed."""
        status, body = self.serve(application)
        self.assertEqual(status, '403 Blocked')
        self.assertIn(b'security_response_id', body)
        self.assertNotIn(b'part', body)
        self.assertEqual((self.told(), self.closed), ((403, len(body), 'app', None), [1]))

    def parts(self, *first):
        """An answer in parts, with a refusal after the first ones."""
        self.closed = []
        try:
            for part in first:
                yield part
            sdk.block_request()
            yield b'never part of it'
        finally:
            self.closed.append(1)

    def test_before_the_first_part(self):
        """The app had begun its answer, and the server takes that back."""

        def application(environ, start_response):
            start_response('200 OK', [('X-Secret', 'a')])
            return self.parts()

        self.refused_first(application)

    def test_before_the_start(self):
        """The generator has not even begun the answer."""

        def application(environ, start_response):
            for part in self.parts():
                start_response('200 OK', [])
                yield part

        self.refused_first(application)

    def test_after_the_first_part(self):
        """What is out stays out, and no page follows it: the answer breaks off, and is told so."""

        def application(environ, start_response):
            start_response('200 OK', [])
            return self.parts(b'first part')

        self.assertEqual(self.serve(application), ('200 OK', b'first part'))
        self.assertEqual((self.told(), self.closed), ((200, 10, 'app', 'Blocked'), [1]))

    def test_after_an_empty_part(self):
        """This server sends the head with it: the answer breaks off."""

        def application(environ, start_response):
            start_response('200 OK', [])
            return self.parts(b'')

        self.assertEqual(self.serve(application), ('200 OK', b''))
        self.assertEqual((self.told()[1:], self.closed), ((0, 'app', 'Blocked'), [1]))

    def test_after_a_write(self):
        """So it does where the app wrote before it was refused."""

        def application(environ, start_response):
            start_response('200 OK', [])(b'written')
            sdk.block_request()
            return [b'never']

        self.assertEqual(self.serve(application), ('200 OK', b'written'))
        self.assertEqual(self.told(), (200, 7, 'app', 'Blocked'))
