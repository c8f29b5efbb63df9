"""An ASGI scope as the WSGI environ that the record is made from (PEP 3333: bytes as their latin-1 image)."""

from __future__ import absolute_import

from ..core import guard, tracing
from ..core.incoming import MAX_HEADERS

_TRACING = frozenset(tracing.HEADERS)


@guard.guarded
def arrival(scope):
    """(environ, [(header name, value)]) of an http scope."""
    if not isinstance(scope.get('headers') or (), (list, tuple)):
        scope['headers'] = list(scope['headers'])  # what can be walked through only once
    headers = [
        (
            (name.decode('latin-1').lower(), value.decode('latin-1'))
            if type(name) is type(value) is bytes
            else (_text(name).lower(), _text(value))
        )
        for name, value in list(scope.get('headers') or ())[:MAX_HEADERS]
    ]
    environ = _line(scope)
    for name, value in headers:
        if name in _TRACING:
            # one that comes twice is one, as in WSGI
            key = 'HTTP_' + name.upper().replace('-', '_')
            environ[key] = environ[key] + ',' + value if key in environ else value
        elif name == 'host':
            environ['HTTP_HOST'] = value
    client = scope.get('client')
    if client:
        environ['REMOTE_ADDR'], environ['REMOTE_PORT'] = client[0] or '', client[1] or 0
    return environ, headers


def _line(scope):
    query = _text(scope.get('query_string') or b'')
    path = _image(scope.get('path') or '')
    target = _text(scope.get('raw_path') or b'') or path
    if query and '?' not in target:  # some servers leave the query in raw_path
        target += '?' + query
    return {
        'REQUEST_METHOD': scope.get('method') or '',
        'wsgi.url_scheme': scope.get('scheme') or 'http',
        'PATH_INFO': path,
        'QUERY_STRING': query,
        'REQUEST_URI': target,
        'SERVER_PROTOCOL': 'HTTP/' + _text(scope.get('http_version') or '1.1'),
    }


def _text(value):
    """ASGI says bytes; clients of tests hand in text, too, and frameworks let them."""
    return value.decode('latin-1') if isinstance(value, bytes) else value


def _image(text):
    return text.encode('utf-8', 'surrogateescape').decode('latin-1')
