"""A request that http.server has parsed, as the WSGI environ that the record is made from."""

from __future__ import absolute_import

import re

_CODED = re.compile('%([0-9a-fA-F]{2})')


def environ_of(handler):
    """What WSGI would say of the request of this handler."""
    path, _, query = handler.path.partition('?')
    secure = hasattr(getattr(handler, 'connection', None), 'getpeercert')
    environ = {
        'REQUEST_METHOD': handler.command, 'SCRIPT_NAME': '', 'QUERY_STRING': query, 'REQUEST_URI': handler.path,
        'PATH_INFO': _CODED.sub(lambda found: chr(int(found.group(1), 16)), path),
        'wsgi.url_scheme': 'https' if secure else 'http', 'SERVER_PROTOCOL': handler.request_version,
    }  # fmt: skip
    peer = handler.client_address
    if isinstance(peer, tuple) and len(peer) > 1:
        environ['REMOTE_ADDR'], environ['REMOTE_PORT'] = peer[0], str(peer[1])
    _add_headers(environ, handler.headers)
    return environ


def _add_headers(environ, headers):
    values = getattr(headers, 'get_all', None) or headers.getheaders
    for name in headers.keys():
        key = name.upper().replace('-', '_')
        if key not in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
            key = 'HTTP_' + key
        environ[key] = ','.join(values(name))
