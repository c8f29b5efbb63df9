"""Django under ASGI: the same as django.py where a handler is asynchronous."""

from __future__ import absolute_import

from ..core import context
from .django import note_request, note_sought
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


ROWS = [
    Row('django.core.handlers.base', 'BaseHandler.get_response_async', answered),
    Row('django.contrib.auth.base_user', 'BaseUserManager.aget_by_natural_key', sought),
]
