"""A site in Django 1.8 and later that tells how far each request came. In the grammar of 2.7."""

import os
import sys

import django
from django.conf import settings

NAME = __name__
os.environ['DJANGO_ALLOW_ASYNC_UNSAFE'] = '1'  # uvicorn imports this on its loop
ASYNC = 'uvicorn' in sys.modules
LAYERS = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'tests.matrix.sites.refused_layer.Layer',
]
settings.configure(
    SECRET_KEY='known to all, this is a test, and is long enough for HS256',
    ALLOWED_HOSTS=['*'],
    ROOT_URLCONF=NAME,
    INSTALLED_APPS=[
        'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'rest_framework',
        'rest_framework.authtoken',
    ],
    MIDDLEWARE=LAYERS,
    MIDDLEWARE_CLASSES=LAYERS,
    DATABASES={'default': {
        'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.join(os.getcwd(), 'site.sqlite3'),
        'ATOMIC_REQUESTS': True}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
    REST_FRAMEWORK={'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.TokenAuthentication']},
)  # fmt: skip
django.setup()

from django.contrib import auth  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core import signals  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tests.matrix.sites import acts  # noqa: E402
from tests.matrix.sites.diary import did  # noqa: E402

try:
    from rest_framework_simplejwt.authentication import JWTAuthentication
    from rest_framework_simplejwt.tokens import AccessToken
except ImportError:
    AccessToken = None
try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url


def index(request):
    return HttpResponse(str(os.getpid()))


def state(request):
    groups = Group.objects.values_list('name', flat=True)
    return JsonResponse({'groups': sorted(groups), 'seen': request.session.get('seen')})


def item(request, word):
    did('view')
    return HttpResponse(word)


def other(request, other):
    """The same path, by another name."""
    return item(request, other)


def run(request):
    """Refused in the middle: a command."""
    did('view')
    Group.objects.create(name='outer')
    request.session['seen'] = 'much'
    try:
        with transaction.atomic():
            Group.objects.create(name='inner')
            acts.run(request.GET['arg'])
            did('went on')
    except Exception:
        did('caught')
    finally:
        did('left')
    return HttpResponse('done')


def stubborn(request):
    """Catches everything, and answers."""
    did('view')
    try:
        acts.run(request.GET['arg'])
    except BaseException:
        did('caught')
    return HttpResponse('done')


def stream(request):
    """Refused when its answer has begun, and before its first part."""
    def parts():
        did('view')
        yield acts.run(request.GET['arg']).encode('utf-8')
    answer = StreamingHttpResponse(parts(), content_type='text/plain')
    answer['Content-Length'] = '4'
    return answer


def form(request):
    """Refused when it has answered: what it was sent is judged then."""
    did('view')
    answer = HttpResponse(request.POST['word'])
    answer.set_cookie('seen', 'much')
    return answer


def own(request):
    """Refused in the middle: it asks who it is."""
    did('view')
    Group.objects.create(name='outer')
    request.session['seen'] = 'much'
    with transaction.atomic():
        Group.objects.create(name='inner')
        name = request.user.get_username()
        did('went on')
    return HttpResponse(name)


def layered(request):
    """A layer has found out who it is."""
    did('view')
    return HttpResponse(request.user.get_username())


class Api(APIView):
    """REST framework finds out who it is."""

    def get(self, request):
        did('view')
        return Response({'user': request.user.get_username()})


urlpatterns = [
    url('^$', index), url('^state$', state), url('^item/(?P<word>.*)$', item), url('^other/(?P<other>.*)$', other),
    url('^run$', run), url('^stubborn$', stubborn), url('^stream$', stream), url('^form$', form),
    url('^own$', own), url('^layered$', layered), url('^api$', Api.as_view()),
]  # fmt: skip
if ASYNC and django.VERSION >= (5, 0):
    from tests.matrix.sites import refused_django_py3

    urlpatterns.append(url('^auser$', refused_django_py3.own))
if AccessToken is not None:
    urlpatterns.append(url('^jwt$', Api.as_view(authentication_classes=[JWTAuthentication])))


def finished(sender, **named):
    did('finished', 'open' if connection.connection else 'closed')


signals.request_finished.connect(finished)
call_command('migrate', verbosity=0, interactive=False)
for name in ('ada', 'eve'):
    user = auth.get_user_model().objects.create_user(name, password='secret')
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = 'django.contrib.auth.backends.ModelBackend'
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    with open(name, 'w') as keys:
        keys.write(session.session_key + ' ' + Token.objects.create(user=user).key)
        keys.write(' ' + (str(AccessToken.for_user(user)) if AccessToken is not None else ''))
connection.close()

if ASYNC:
    from django.core.asgi import get_asgi_application

    application = get_asgi_application()
else:
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
