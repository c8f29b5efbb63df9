"""A Django site with users, asked over HTTP: `django_people.py MODEL`; prints answers, queries, what the agent said.

MODEL: auth.User, people.EmailUser or people.PhoneUser. COWITNESS_TEST_AGENT turns the agent on. In the grammar of 2.7.
"""

import sys

from tests.users.programs import django_setup, visits

MODEL = sys.argv[1]
APPS = ['rest_framework', 'rest_framework.authtoken', 'tests.users.programs.people']
django_setup.configure(__name__, MODEL, APPS)

import django  # noqa: E402
from django.contrib import auth  # noqa: E402
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from rest_framework.authentication import BasicAuthentication, TokenAuthentication  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.authtoken.views import obtain_auth_token  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tests.users.programs.people import models  # noqa: E402

try:
    from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication
    from rest_framework_simplejwt.views import TokenObtainPairView
except ImportError:
    TokenObtainPairView = None
try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url
USERS = auth.get_user_model()
LOGIN = USERS.USERNAME_FIELD


def login(request):
    """As Django's own LoginView does it."""
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        return HttpResponse('no', status=403)
    auth.login(request, form.get_user())
    return HttpResponse(request.session.session_key)


def logout(request):
    auth.logout(request)
    return HttpResponse('bye')


def me(request):
    return HttpResponse(str(request.user.pk))


def quiet(request):
    """Nobody asks for the user."""
    return HttpResponse('ok')


def deferred(request):
    """The app has loaded a user without its name, and serves the request for it."""
    request.user = USERS.objects.only('pk').get(**{LOGIN: request.GET['login']})
    return HttpResponse(str(request.user.pk))


def signup(request):
    """By a form, by the manager, and by models that stand for users."""
    kind, name, password = request.POST['kind'], request.POST['username'], request.POST['password']
    if kind == 'form':
        form = UserCreationForm({'username': name, 'password1': password, 'password2': password})
        user = form.save() if form.is_valid() else None
    elif kind == 'create':
        user = USERS.objects.create_user(name, password=password)
    else:
        user = getattr(models, kind).objects.create(username=name)
    return HttpResponse(str(user.pk))


class Api(APIView):
    """Whom REST framework serves."""

    def get(self, request):
        return Response({'user': str(request.user.pk)})


def api(*kinds):
    return Api.as_view(authentication_classes=kinds)


urlpatterns = [
    url('^login$', login), url('^logout$', logout), url('^me$', me), url('^quiet$', quiet), url('^deferred$', deferred),
    url('^signup$', signup), url('^token$', obtain_auth_token), url('^api/token$', api(TokenAuthentication)),
    url('^api/basic$', api(BasicAuthentication)),
]  # fmt: skip
if TokenObtainPairView is not None:
    urlpatterns += [
        url('^jwt$', TokenObtainPairView.as_view()), url('^api/jwt$', api(JWTAuthentication)),
        url('^api/stateless$', api(JWTStatelessUserAuthentication)),
    ]  # fmt: skip
if django.VERSION >= (5, 2):
    from tests.users.programs import people_py3

    urlpatterns.append(url('^alogin$', people_py3.alogin))


def main():
    site = django_setup.serve()
    user = USERS.objects.create_user(visits.LOGINS[MODEL], password=visits.PASSWORD)
    token = Token.objects.create(user=user).key if MODEL == 'auth.User' else ''
    visits.visit(site, MODEL, token, TokenObtainPairView is not None, django.VERSION >= (5, 2))
    django_setup.tell(site, user=str(user.pk))


if __name__ == '__main__':
    main()
