"""The requests of the bench, and how a WSGI application is called with them. In the grammar of 2.7.

Three pages of every site: `plain`; `search`, with one SQLite query; `json`, a POST of 1 KB of JSON; 11 headers each, of
a browser that means no harm. `seen` tells who has the request in hand, so that no figure stands for a hook that slept.
"""

from __future__ import absolute_import

import io
import json
import sys

HEADERS = {
    'host': 'shop.example',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101',
    'accept': 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-language': 'en-GB,en;q=0.5',
    'accept-encoding': 'gzip, deflate, br',
    'dnt': '1',
    'connection': 'keep-alive',
    'cookie': 'theme=dark; lang=en',
    'referer': 'http://shop.example/',
    'upgrade-insecure-requests': '1',
    'cache-control': 'max-age=0',
}
BODY = json.dumps({'title': 'The Old Man and the Sea', 'pages': 127, 'tags': ['sea', 'fish'], 'blurb': 'a ' * 470})
BODY = BODY.encode('ascii')
PAGES = {
    'plain': ('GET', '/plain', '', b''),
    'search': ('GET', '/search', 'q=dune', b''),
    'json': ('POST', '/json', '', BODY),
}
PAGES_AND_SEEN = dict(PAGES, seen=('GET', '/seen', '', b''))
_ENVIRON = {'HTTP_' + name.upper().replace('-', '_'): value for name, value in HEADERS.items()}


def environ(page):
    """A WSGI environ as servers make one for each request."""
    method, path, query, body = PAGES_AND_SEEN[page]
    made = {
        'REQUEST_METHOD': method, 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query,
        'SERVER_NAME': 'shop.example', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'REMOTE_ADDR': '127.0.0.1',
        'REMOTE_PORT': '50000', 'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': io.BytesIO(body),
        'wsgi.errors': sys.stderr, 'wsgi.multithread': True, 'wsgi.multiprocess': False, 'wsgi.run_once': False,
    }  # fmt: skip
    made.update(_ENVIRON)
    if body:
        made['CONTENT_TYPE'], made['CONTENT_LENGTH'] = 'application/json', str(len(body))
    return made


def call(application, page):
    """Status and body of one call."""
    status = []
    answer = application(environ(page), lambda line, headers, exc_info=None: status.append(line))
    body = b''.join(answer)
    close = getattr(answer, 'close', None)
    if close:
        close()
    return status[0], body


def serve(application, page, count):
    """Call it so many times; anything but 200 is no measurement."""
    for _ in range(count):
        status, body = call(application, page)
        if status[:3] != '200':
            raise RuntimeError('%s: %s %r' % (page, status, body[:500]))


def seen():
    """Who has the request in hand that is being served: "cowitness", "otel", "ddtrace", "asm"."""
    found, modules = [], sys.modules
    if 'pyagent.core.context' in modules and modules['pyagent.core.context'].current() is not None:
        found.append('cowitness')
    trace = modules.get('opentelemetry.trace')
    if trace is not None and trace.get_current_span().get_span_context().is_valid:
        found.append('otel')
    tracer = getattr(modules.get('ddtrace'), 'tracer', None)
    span = tracer.current_root_span() if tracer is not None else None
    if span is not None:
        found += ['ddtrace'] + (['asm'] if span.get_metric('_dd.appsec.enabled') else [])
    return ' '.join(found)
