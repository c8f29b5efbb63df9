"""Flask 0.10 and later: the application, the route that was found, what it raised."""

from __future__ import absolute_import

import sys

from ..core import context, lifecycle
from .failure import note_here
from .patch import Row, before
from .wsgi import application_method


@before
def dispatched(args, kwargs):
    """Flask.dispatch_request: the router has matched."""
    serving = context.current()
    if serving is not None:
        request = sys.modules['flask'].request._get_current_object()
        rule = request.url_rule
        lifecycle.set_route(serving, getattr(rule, 'rule', ''), request.view_args, 'flask')


@before
def raised(args, kwargs):
    """Flask.handle_exception(self, error): the view raised what nothing handles."""
    note_here()


ROWS = [
    Row('flask.app', 'Flask.__call__', application_method('flask')),
    Row('flask.app', 'Flask.dispatch_request', dispatched),
    Row('flask.app', 'Flask.handle_exception', raised),
]
