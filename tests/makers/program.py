"""Templates and objects made of text, in a request each; prints the operations as JSON. In the grammar of 2.7."""


import io
import json
import marshal
import os
import pickle
import shelve
import tempfile

import pyagent
from pyagent.core import guard, lifecycle, record
from tests.pyagent.support import environ

os.environ['COWITNESS_RUN_DIR'] = tempfile.mkdtemp(prefix='cw-')
pyagent.enable()

import cloudpickle  # noqa: E402
import dill  # noqa: E402
import django  # noqa: E402
import jinja2  # noqa: E402
import jsonpickle  # noqa: E402
import lxml.etree  # noqa: E402
import mako.template  # noqa: E402
import numpy  # noqa: E402
import tornado.template  # noqa: E402
import yaml  # noqa: E402
from django.conf import settings  # noqa: E402

FILES = tempfile.mkdtemp(prefix='cw-')
TEXT = 'seven {{ 7 }}'
with open(os.path.join(FILES, 'page.html'), 'w') as page:
    page.write(TEXT)
settings.configure(TEMPLATES=[{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'DIRS': [FILES]}])
django.setup()

from django.template import Context, Template  # noqa: E402
from django.template.loader import get_template  # noqa: E402

OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file://' + FILES + '/seven">]><r>&x;</r>'
with open(os.path.join(FILES, 'seven'), 'w') as seven:
    seven.write('7')
READER = lxml.etree.XMLParser(resolve_entities=True, load_dtd=True)
EVIL = b'cposix\ngetpid\n(tR.'
CODE = marshal.dumps(compile('3 + 4', '<evil>', 'eval'))
ARRAY = (
    b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b'\n' + EVIL
)
C_UNSAFE = getattr(yaml, 'CUnsafeLoader', getattr(yaml, 'CLoader', None))
shelf = shelve.open(os.path.join(FILES, 'shelf'))  # noqa: SIM115
shelf.dict[b'evil'] = EVIL
shelf['good'] = 7


class Careful(pickle.Unpickler):
    """As apps derive their own."""

    def find_class(self, module, name):
        return pickle.Unpickler.find_class(self, module, name)


try:
    import cPickle as c_pickle  # noqa: N813
except ImportError:
    c_pickle = pickle
UNSAFE = getattr(yaml, 'UnsafeLoader', yaml.Loader)
in_files = jinja2.Environment(loader=jinja2.FileSystemLoader(FILES))


def evil(call):
    """What comes of it, if only by name."""
    try:
        return repr(call())
    except Exception as error:
        return type(error).__name__


WORK = {
    'jinja': lambda: jinja2.Template(TEXT).render(),
    'jinja from_string': lambda: in_files.from_string(TEXT).render(),
    'jinja expression': lambda: in_files.compile_expression('3 + 4')(),
    'jinja file': lambda: in_files.get_template('page.html').render(),
    'django': lambda: Template(TEXT).render(Context()),
    'django file': lambda: get_template('page.html').render(),
    'mako': lambda: mako.template.Template('seven ${ 7 }').render(),
    'tornado': lambda: tornado.template.Template(TEXT).generate().decode(),
    'yaml': lambda: yaml.load('{a: 1}', Loader=UNSAFE),
    'yaml apply': lambda: evil(lambda: yaml.load('!!python/object/apply:os.getpid []', Loader=UNSAFE)),
    'yaml name': lambda: evil(lambda: yaml.load('!!python/name:eval', Loader=UNSAFE)),
    'yaml C apply': lambda: evil(lambda: yaml.load('!!python/object/apply:os.getpid []', Loader=C_UNSAFE)),
    'pickle own': lambda: evil(lambda: c_pickle.Unpickler(io.BytesIO(EVIL)).load()),
    'pickle derived': lambda: evil(lambda: Careful(io.BytesIO(EVIL)).load()),
    'pickle python': lambda: evil(lambda: getattr(pickle, '_Unpickler', pickle.Unpickler)(io.BytesIO(EVIL)).load()),
    'pickle harmless': lambda: c_pickle.Unpickler(io.BytesIO(pickle.dumps([ValueError(), 7], 2))).load(),
    'shelve': lambda: evil(lambda: shelf['evil']),
    'shelve good': lambda: shelf['good'],
    'marshal': lambda: evil(lambda: eval(marshal.loads(CODE))),
    'marshal good': lambda: marshal.loads(marshal.dumps([7])),
    'dill': lambda: evil(lambda: dill.loads(EVIL)),
    'cloudpickle': lambda: evil(lambda: cloudpickle.loads(EVIL)),
    'numpy': lambda: evil(lambda: numpy.load(io.BytesIO(ARRAY), allow_pickle=True)),
    'xml': lambda: lxml.etree.fromstring('<r>7</r>').text,
    'xml entity': lambda: lxml.etree.fromstring(OUTSIDE.encode(), READER).text,
    'xml file': lambda: lxml.etree.parse(io.BytesIO(OUTSIDE.encode()), READER).getroot().text,
    'xml wide': lambda: lxml.etree.fromstring(OUTSIDE.encode('utf-16'), READER).text,
    'jsonpickle': lambda: jsonpickle.decode('{"a": 1}'),
    'jsonpickle name': lambda: evil(lambda: jsonpickle.decode('{"py/type": "os.system"}')),
}


def served(work):
    """What a request's work answers and the agent saw of it."""
    request = lifecycle.begin(environ())
    try:
        answer = str(work())
    finally:
        lifecycle.end(request, 200)
    found = [o for o in request.operations if o.kind in ('template', 'deserialize', 'xml')]
    return answer, [(o.kind, record.text(o.text, 4096), o.system, o.dialect) for o in found]


print(json.dumps({'found': {name: served(work) for name, work in WORK.items()}, 'problems': guard.errors()}))
