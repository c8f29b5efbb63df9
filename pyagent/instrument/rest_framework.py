"""Django REST framework: whom its authentication found, before the view goes on; a token that is given for a name and a
password is a login. Failures come by Django's signal."""

from __future__ import absolute_import

from ..core import context, users
from .django_users import note_user
from .patch import Row, after


@after
def authenticated(args, kwargs, result):
    """Request._authenticate(self): the first authenticator that knows somebody has said who it is."""
    note_user(getattr(args[0], '_user', None), args[0])


@after
def given(args, kwargs, answer):
    """validate(self, attrs) of the serializers that give tokens: it has found the user, or raises. simplejwt keeps the
    user on the serializer, REST framework's own among the answer."""
    if context.current() is None:
        return
    user = getattr(args[0], 'user', None)
    user = answer.get('user') if user is None else user
    if user is not None:
        user_id, login = users.identify(user)
        users.event('success', user_id, login, '', 'rest_framework')


ROWS = [
    Row('rest_framework.request', 'Request._authenticate', authenticated),
    Row('rest_framework.authtoken.serializers', 'AuthTokenSerializer.validate', given),
    Row('rest_framework_simplejwt.serializers', 'TokenObtainSerializer.validate', given),
]
