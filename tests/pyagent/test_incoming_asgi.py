"""An ASGI scope becomes an environ, whatever its strings are of."""

from __future__ import absolute_import

from pyagent.instrument.incoming_asgi import arrival

from .support import Case


class Arrival(Case):
    def test_bytes(self):
        """A scope as servers make it."""
        environ, headers = arrival(
            {
                'method': 'GET', 'path': u'/a', 'raw_path': b'/a', 'query_string': b'b=c',
                'headers': [(b'Host', b'shop')], 'client': ('127.0.0.1', 5), 'http_version': '2',
            }
        )  # fmt: skip
        self.assertEqual(environ['SERVER_PROTOCOL'], 'HTTP/2')
        self.assertEqual((environ['REQUEST_URI'], environ['HTTP_HOST']), (u'/a?b=c', u'shop'))
        self.assertEqual((headers, environ['REMOTE_PORT']), ([(u'host', u'shop')], 5))

    def test_text(self):
        """A scope as clients of tests make it: frameworks take text, so it is seen as well."""
        environ, headers = arrival({'path': u'/a', 'query_string': u'b=c', 'headers': [(u'X-A', u'1')]})
        self.assertEqual((environ['QUERY_STRING'], environ['REQUEST_URI']), (u'b=c', u'/a?b=c'))
        self.assertEqual(headers, [(u'x-a', u'1')])
