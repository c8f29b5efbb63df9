"""Servers that call an application which no framework of ours has made: what they were given to serve is wrapped."""

from __future__ import absolute_import

from .patch import Row, after
from .wsgi import wrap

# The workers that call what they loaded as a WSGI application; others (uvicorn's, aiohttp's, tornado's) do not.
_GUNICORN = (
    'gunicorn.workers.sync', 'gunicorn.workers.base_async', 'gunicorn.workers.gthread',
)  # fmt: skip


def given(position, name, wrap):
    """A handler for what takes an application as its argument `name`, at this position."""

    def handler(original, args, kwargs):
        if len(args) > position and args[position] is not None:
            args = args[:position] + (wrap(args[position]),) + args[position + 1 :]
        elif kwargs.get(name) is not None:
            kwargs = dict(kwargs, **{name: wrap(kwargs[name])})
        return original(*args, **kwargs)

    return handler


@after
def loaded(args, kwargs, result):
    """gunicorn's Worker.load_wsgi(self): afterwards `wsgi` is what the worker is going to call."""
    worker = args[0]
    if any(kind.__module__ in _GUNICORN for kind in type(worker).__mro__):
        worker.wsgi = wrap(worker.wsgi)


ROWS = [
    Row('wsgiref.handlers', 'BaseHandler.run', given(1, 'application', wrap)),
    Row('gunicorn.workers.base', 'Worker.load_wsgi', loaded),
    Row('waitress.server', 'BaseWSGIServer.__init__', given(1, 'application', wrap)),
    Row('gevent.pywsgi', 'WSGIServer.__init__', given(2, 'application', wrap)),
    Row('werkzeug.serving', 'BaseWSGIServer.__init__', given(3, 'app', wrap)),
    Row('hypercorn.app_wrappers', 'WSGIWrapper.__init__', given(1, 'app', wrap)),
]
