"""What a server hands over for a request: the part that the record needs, and whether it looks unusual."""

from __future__ import absolute_import

import re

from . import names

# Anything that the plainest of requests does not hold. Only decides what is sent early, never what is judged.
_UNUSUAL = re.compile(r'''['"`;|<>$\\\n(){}]|%(?!20)|\.\.|//|0x''')
_UNUSUAL_BODY = re.compile(br'''['"`;|<>$\\\n()]|%[23567]|\.\.''')
_SKIPPED = ('HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH')
MAX_HEADERS = 128


def kept(environ):
    """The part of the environ that the record needs, and the headers. Nothing that keeps the server's objects alive."""
    headers, kept, known = [], {}, _header_names
    for key, value in environ.items():
        name = known.get(key)
        if name is None:
            name = _learn(key)
        if name:
            headers.append((name, value))
        elif key in _KEPT:
            kept[key] = value
    del headers[MAX_HEADERS:]
    for key, name in (('CONTENT_TYPE', 'content-type'), ('CONTENT_LENGTH', 'content-length')):
        if environ.get(key):
            headers.append((name, environ[key]))
    kept['HTTP_HOST'] = environ.get('HTTP_HOST') or environ.get('SERVER_NAME') or ''
    return kept, headers


_header_names = {}


def _learn(key):
    """The header's name for an environ key, or an empty text; remembered, for a bounded number of keys."""
    name = ''
    if key.startswith('HTTP_') and key not in _SKIPPED:
        name = key[5:].replace('_', '-').lower()
    if len(_header_names) < 512:
        _header_names[key] = name
    return name


_KEPT = frozenset(
    (
        'REQUEST_METHOD', 'wsgi.url_scheme', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING',
        'REQUEST_URI', 'RAW_URI', 'REMOTE_ADDR', 'REMOTE_PORT',
    )
)  # fmt: skip


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
