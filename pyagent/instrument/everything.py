"""All hooks: the rows of every library, put in place when the app imports it."""

from __future__ import absolute_import

from importlib import import_module

from ..core import agent as agents
from ..core import facts, guard
from ..core.ledger import FAILED, PENDING, ledger
from . import importhook, patch

# Each has ROWS, and perhaps install() and uninstall() for what is no attribute.
_LIBRARIES = [
    'process',
    'files',
    'network',
    'code',
    'templates',
    'deserialize',
    'xml',
    'threads',
    'dbapi_rows',
    'servers',
    'http_server',
    'flask',
    'flask_login',
    'django',
    'django_users',
    'propagate',
    'gevent',
    'tracers',
    'celery',
    'rq',
    'rest_framework',
    'launchers',
]
if facts.HAS_ASYNC:
    _LIBRARIES += [
        'asgi_py3',
        'asyncio_py3',
        'clients_py3',
        'dbapi_py3',
        'django_py3',
        'fastapi_py3',
    ]

# An app that imports one of these is going to serve: connect now, so that its first request is witnessed too.
_SERVING = (
    'flask.app', 'django.core.handlers.wsgi', 'gunicorn.workers.base', 'wsgiref.handlers',
    'http.server', 'BaseHTTPServer', 'starlette.applications', 'uvicorn.config', 'hypercorn.config', 'celery.apps.worker', 'rq.worker',
)  # fmt: skip


def _library(name):
    """One of the modules beside this one; None where it cannot be loaded on this interpreter."""
    name = __name__.rpartition('.')[0] + '.' + name
    try:
        return import_module(name)
    except Exception as error:
        guard.swallow('import ' + name)
        ledger.note(name, FAILED, '%s: %s' % (type(error).__name__, error))
        return None


LIBRARIES = [library for library in map(_library, _LIBRARIES) if library is not None]
ROWS = [row for library in LIBRARIES for row in library.ROWS]


def install():
    """Hook what is imported already, and the rest when it is."""
    importhook.install()
    by_module = {}
    for row in ROWS:
        ledger.note(row.target, PENDING)
        by_module.setdefault(row.module, []).append(row)
    for name, rows in by_module.items():
        importhook.when_imported(name, _installer(rows))
    _call_all('install')
    for name in _SERVING:
        importhook.when_imported(name, _prepare)


def uninstall():
    """Leave every library as it was; what fails does not keep the rest."""
    for undo in (importhook.uninstall, patch.uninstall_all):
        guard.guarded(undo)()
    _call_all('uninstall')


def _call_all(name):
    for library in LIBRARIES:
        if hasattr(library, name):
            guard.guarded(getattr(library, name))()


def _installer(rows):
    def install_rows(module):
        for row in rows:
            patch.install(row, module)

    return install_rows


@guard.guarded
def _prepare(module):
    agent = agents.get()
    if agent is not None and agent.mode != 'off':
        agent.stream.prepare()
