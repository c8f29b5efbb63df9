"""Django under ASGI: the same as django.py and django_users.py where a handler is asynchronous."""

from __future__ import absolute_import

from ..core.blocked import Blocked
from .django import begun, note_request, refused
from .django_users import LOGINS, note_asked, note_sought
from .patch import Row


async def answered(original, args, kwargs):
    """BaseHandler.get_response_async(self, request), as in django.py."""
    serving = begun(args)
    if serving is None:
        return await original(*args, **kwargs)
    try:
        response = await original(*args, **kwargs)
        note_request(serving, args[1])
    except Blocked as error:
        response = refused(serving, error, args[1])
    finally:
        serving.native = None
    return response


async def loaded(original, args, kwargs):
    """django.contrib.auth.aget_user(request): what `request.auser()` returns."""
    user = await original(*args, **kwargs)
    note_asked(user, args)
    return user


async def sought(original, args, kwargs):
    """BaseUserManager.aget_by_natural_key(self, username), as in django_users.py."""
    try:
        user = await original(*args, **kwargs)
    except Exception as error:
        note_sought(args, error)
        raise
    note_sought(args, None, user)
    return user


def heard(receiver):
    """A handler for a signal's `asend(sender, **named)` and its kin, as in django_users.py."""

    async def handler(original, args, kwargs):
        receiver(*args, **kwargs)
        return await original(*args, **kwargs)

    return handler


ROWS = [
    Row('django.core.handlers.base', 'BaseHandler.get_response_async', answered),
    Row('django.contrib.auth', 'aget_user', loaded),
    Row('django.contrib.auth.base_user', 'BaseUserManager.aget_by_natural_key', sought),
]
for _name, _receiver in LOGINS.items():
    for _method in ('asend', 'asend_robust'):
        ROWS.append(Row('django.contrib.auth.signals', _name + '.' + _method, heard(_receiver)))
