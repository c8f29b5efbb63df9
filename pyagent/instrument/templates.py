"""Hooks of templates that an app makes of text. Those that lie in files are the app's own, and not told of."""

from __future__ import absolute_import

from ..core.context import Operation
from ..core.names import text_type
from .operation import around
from .patch import Row

_UNNAMED = (None, '<unknown source>', '<string>', '<template>')


def made(engine, system, file=None):
    """Describe Template(self, text, ...); the argument `file` = (place, name) says where it comes from, if anywhere."""

    def describe(args, kwargs):
        source = (
            args[1]
            if len(args) > 1
            else kwargs.get('text', kwargs.get('template_string', kwargs.get('source')))
        )
        if not isinstance(source, (bytes, text_type)) or not _unnamed(args, kwargs, file):
            return None
        return Operation('template', source, system, dialect=engine)

    return describe


def _unnamed(args, kwargs, file):
    if file is None:
        return True
    place, name = file
    origin = args[place] if len(args) > place else kwargs.get(name)
    return getattr(origin, 'name', origin) in _UNNAMED


def expression(args, kwargs):
    """Describe Jinja's compile_expression(self, source, ...): what would stand between the braces."""
    source = args[1] if len(args) > 1 else kwargs['source']
    source = source.decode('utf-8', 'replace') if isinstance(source, bytes) else source
    return Operation('template', u'{{' + source + u'}}', 'jinja2', dialect='jinja')


_JINJA = around(made('jinja', 'jinja2', (3, 'filename')))
ROWS = [
    Row('jinja2.environment', 'Environment.compile', _JINJA),
    Row('jinja2.environment', 'Environment.compile_expression', around(expression)),
    Row(
        'django.template.base', 'Template.__init__', around(made('django', 'django', (2, 'origin')))
    ),
    Row('mako.template', 'Template.__init__', around(made('mako', 'mako'))),
    Row('tornado.template', 'Template.__init__', around(made('tornado', 'tornado', (2, 'name')))),
]
