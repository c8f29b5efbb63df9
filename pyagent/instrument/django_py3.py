"""Django under ASGI: the same as django.py where a handler is asynchronous."""

from __future__ import absolute_import

from ..core import context
from .django import LOGINS, note_request, note_sought
from .patch import Row


async def answered(original, args, kwargs):
    """BaseHandler.get_response_async(self, request): afterwards the route and the user are known."""
    response = await original(*args, **kwargs)
    if context.current() is not None and len(args) > 1:
        note_request(context.current(), args[1])
    return response


async def sought(original, args, kwargs):
    """BaseUserManager.aget_by_natural_key(self, username), as in django.py."""
    try:
        user = await original(*args, **kwargs)
    except Exception as error:
        note_sought(args, error)
        raise
    note_sought(args, None, user)
    return user


def heard(receiver):
    """A handler for a signal's `asend(sender, **named)` and its kin, as in django.py."""

    async def handler(original, args, kwargs):
        receiver(*args, **kwargs)
        return await original(*args, **kwargs)

    return handler


ROWS = [
    Row('django.core.handlers.base', 'BaseHandler.get_response_async', answered),
    Row('django.contrib.auth.base_user', 'BaseUserManager.aget_by_natural_key', sought),
]
for _name, _receiver in LOGINS.items():
    for _method in ('asend', 'asend_robust'):
        ROWS.append(Row('django.contrib.auth.signals', _name + '.' + _method, heard(_receiver)))
