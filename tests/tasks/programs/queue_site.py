"""A site that hands work to a queue: `/KIND?hex=...`, so that nothing looks odd here. `queue_site.py PORT SHOP`."""

import binascii
import importlib
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

try:
    from urllib.parse import parse_qs
except ImportError:
    from urlparse import parse_qs


def application(environ, start_response):
    kind, query = environ['PATH_INFO'].strip('/'), parse_qs(environ['QUERY_STRING'])
    status, text = '200 OK', 'ok'
    if kind:
        try:
            text = shop.enqueue(kind, binascii.unhexlify(query['hex'][0]).decode())
        except Exception as error:
            status, text = '500 Error', '%s: %s' % (type(error).__name__, error)
    start_response(status, [('Content-Type', 'text/plain')])
    return [text.encode('utf-8')]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == '__main__':
    shop = importlib.import_module('tests.tasks.programs.' + sys.argv[2])
    make_server('127.0.0.1', int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
