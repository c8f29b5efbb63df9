"""What a server hands over for a request: the part that the record needs, and whether it looks unusual."""

from __future__ import absolute_import

import re

from . import names
from .record import TEXT, text

# Anything that the plainest of requests does not hold. Only decides what is sent early, never what is judged.
_UNUSUAL = re.compile(r'''['"`;|<>$\\\n(){}]|%(?!20)|\.\.|//|0x''')
_UNUSUAL_BODY = re.compile(br'''['"`;|<>$\\\n()]|%[23567]|\.\.''')
_SKIPPED = ('HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH')
MAX_HEADERS = 128


def line(environ):
    """What the request line and the server say: method, scheme, host, path, query, target, the peer's address."""
    get = environ.get
    return (
        get('REQUEST_METHOD') or '', get('wsgi.url_scheme') or '',
        get('HTTP_HOST') or get('SERVER_NAME') or '', _path(get), get('QUERY_STRING') or '',
        get('REQUEST_URI') or get('RAW_URI') or '', get('REMOTE_ADDR') or '',
    )  # fmt: skip


def _path(get):
    mounted, path = get('SCRIPT_NAME') or '', get('PATH_INFO') or ''
    try:
        return mounted + path
    except UnicodeError:  # 2.7: the one is bytes, the other text
        return text(mounted, TEXT) + text(path, TEXT)


def port(environ):
    """The peer's port, or 0."""
    try:
        found = int(environ.get('REMOTE_PORT') or 0)
    except (TypeError, ValueError):
        found = 0
    return found if 0 <= found <= 65535 else 0


def headers(environ):
    """[(lower-case name, value)] of a WSGI environ."""
    found, known = [], _header_names
    for key, value in environ.items():
        name = known.get(key)
        if name is None:
            name = _learn(key)
        if name:
            found.append((name, value))
    del found[MAX_HEADERS:]
    for key, name in (('CONTENT_TYPE', 'content-type'), ('CONTENT_LENGTH', 'content-length')):
        if environ.get(key):
            found.append((name, environ[key]))
    return found


_header_names = {}


def _learn(key):
    """The header's name for an environ key, or an empty text; remembered, for a bounded number of keys."""
    name = ''
    if key.startswith('HTTP_') and key not in _SKIPPED:
        name = key[5:].replace('_', '-').lower()
    if len(_header_names) < 512:
        _header_names[key] = name
    return name


def looks_unusual(environ):
    """Whether the query or the path of a request holds what the plainest do not."""
    search = _UNUSUAL.search
    query, path = environ.get('QUERY_STRING'), environ.get('PATH_INFO')
    return bool((query and search(query)) or (path and search(path)))


def unusual_texts(values):
    """Whether one of these values does; what is no text (a number that the router made) does not."""
    return any(isinstance(value, names.text_type) and _UNUSUAL.search(value) for value in values)


def unusual_body(parts):
    """Whether the body, as far as it was read, does."""
    return _UNUSUAL_BODY.search(b''.join(parts)) is not None
