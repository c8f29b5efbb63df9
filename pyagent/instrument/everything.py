"""All hooks: the rows of every library, put in place when the app imports it."""

from __future__ import absolute_import

from ..core import agent as agents
from ..core import facts, guard
from ..core.ledger import PENDING, ledger
from . import (
    dbapi_rows, django, files, flask, flask_login, gevent, importhook, network, patch, process, propagate, threads, wsgi,
)  # fmt: skip

ROWS = (
    process.ROWS + files.ROWS + network.ROWS + threads.ROWS + dbapi_rows.ROWS
    + wsgi.ROWS + flask.ROWS + flask_login.ROWS + django.ROWS + propagate.ROWS + gevent.ROWS
)  # fmt: skip
if facts.HAS_ASYNC:
    from . import asgi_py3, asyncio_py3, clients_py3, dbapi_py3, django_py3

    ROWS += asgi_py3.ROWS + asyncio_py3.ROWS + clients_py3.ROWS + dbapi_py3.ROWS + django_py3.ROWS

# An app that imports one of these is going to serve: connect now, so that its first request is witnessed too.
_SERVING = (
    'flask.app', 'django.core.handlers.wsgi', 'gunicorn.workers.base', 'wsgiref.handlers',
    'starlette.applications', 'uvicorn.config', 'hypercorn.config',
)  # fmt: skip


def install():
    """Hook what is imported already, and the rest when it is."""
    patch.switch(True)
    importhook.install()
    by_module = {}
    for row in ROWS:
        ledger.note(row.target, PENDING)
        by_module.setdefault(row.module, []).append(row)
    for name, rows in by_module.items():
        importhook.when_imported(name, _installer(rows))
    django.install()
    for name in _SERVING:
        importhook.when_imported(name, _prepare)


def uninstall():
    """Leave every library as it was."""
    importhook.uninstall()
    patch.uninstall_all()
    django.uninstall()


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
