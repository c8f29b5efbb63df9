"""Flask 0.10 and later: the application, the route that was found, what it raised."""

from __future__ import absolute_import

from ..core import context, guard, lifecycle
from .failure import note_here
from .patch import Row
from .wsgi import application_method


def dispatched(original, args, kwargs):
    """Flask.dispatch_request: the router has matched."""
    _note_route()
    return original(*args, **kwargs)


@guard.guarded
def _note_route():
    serving = context.current()
    if serving is not None:
        from flask import request

        rule = request.url_rule
        lifecycle.set_route(serving, getattr(rule, 'rule', ''), request.view_args, 'flask')


def raised(original, args, kwargs):
    """Flask.handle_exception(self, error): the view raised what nothing handles."""
    note_here()
    return original(*args, **kwargs)


ROWS = [
    Row('flask.app', 'Flask.__call__', application_method('flask')),
    Row('flask.app', 'Flask.dispatch_request', dispatched),
    Row('flask.app', 'Flask.handle_exception', raised),
]
