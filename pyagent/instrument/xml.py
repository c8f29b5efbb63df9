"""Hooks of lxml, whose readers may follow entities to the outside. Those of the standard library do not (xml.sax since
3.7.1). Told is only a document that declares something."""

from __future__ import absolute_import

from ..core.context import Operation
from ..core.names import text_type
from .operation import around
from .patch import Row

MAX_DOCUMENT = 65536
_DECLARES = (b'<!', b'<\x00!\x00', b'\x00<\x00!')


def given(args, kwargs):
    """Describe fromstring(text, ...)."""
    return _document(args[0] if args else kwargs['text'])


def opened(args, kwargs):
    """Describe parse(source, ...): a file that can go back is read ahead; a name is none of a request's."""
    source = args[0] if args else kwargs['source']
    if not hasattr(source, 'read') or not getattr(source, 'seekable', bool)():
        return None
    place = source.tell()
    try:
        return _document(source.read(MAX_DOCUMENT))
    finally:
        source.seek(place)


def _document(source):
    if isinstance(source, text_type):
        data = source[:MAX_DOCUMENT].encode('utf-8', 'replace')
    else:
        data = bytes(source[:MAX_DOCUMENT])
    if not any(mark in data for mark in _DECLARES):
        return None
    wide = data[:2] in (b'\xff\xfe', b'\xfe\xff') or b'\x00' in data[:4]
    return Operation('xml', data.decode('utf-16', 'replace') if wide else data, 'lxml')


ROWS = [
    Row('lxml.etree', 'fromstring', around(given)),
    Row('lxml.etree', 'XML', around(given)),
    Row('lxml.etree', 'parse', around(opened)),
]
