"""The site in Django 1.8 and later, in one module: settings, urls, views; users in a SQLite file beside it."""

import fcntl
import json
import os
import sys

import django
from django.conf import settings

NAME = __name__
os.environ['DJANGO_ALLOW_ASYNC_UNSAFE'] = '1'  # uvicorn imports this on its loop
LAYERS = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]
settings.configure(
    SECRET_KEY='known to all, this is a test',
    DEBUG=False,
    ALLOWED_HOSTS=['*'],
    ROOT_URLCONF=NAME,
    INSTALLED_APPS=[
        'django.contrib.auth',
        'django.contrib.contenttypes',
        'django.contrib.sessions',
        'rest_framework',
    ],
    MIDDLEWARE=LAYERS,
    MIDDLEWARE_CLASSES=LAYERS,
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.join(os.getcwd(), 'site.sqlite3')}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
    REST_FRAMEWORK={'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.BasicAuthentication']},
    LOGGING_CONFIG=None,
)
django.setup()

from django.contrib import auth  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tests.matrix.sites import acts  # noqa: E402

ASYNC = 'uvicorn' in sys.modules or 'hypercorn' in sys.modules
if ASYNC and django.VERSION >= (4, 2):
    from tests.matrix.sites.acts_py3 import parts
else:
    parts = acts.parts
try:
    from django.urls import path
except ImportError:
    path = None
    from django.conf.urls import url


def index(request):
    return HttpResponse('ok')


def run(request, word):
    return HttpResponse(acts.run(request.GET.get('arg', '')))


def form(request):
    names = ' '.join(f.name for f in request.FILES.values())
    if request.META['CONTENT_TYPE'] == 'application/json':
        return HttpResponse(acts.run(json.loads(request.body.decode('utf-8'))['arg']))
    return HttpResponse(acts.run(request.POST['arg']) + names)


def go(request):
    return HttpResponse(acts.go(request.GET['url']))


def error(request):
    acts.fail()


def answer(request, how):
    response = StreamingHttpResponse(parts(how))
    if how == 'file':
        response = FileResponse(open(acts.FILE, 'rb'))  # noqa: SIM115 - Django closes it
    response['X-Site'] = how
    return response


def login(request):
    user = auth.authenticate(username=request.POST['username'], password=request.POST['password'])
    if user is None:
        return HttpResponse('no', status=403)
    auth.login(request, user)
    return JsonResponse({'ok': True})


def logout(request):
    auth.logout(request)
    return HttpResponse('bye')


class Api(APIView):
    """A view of REST framework: the user comes with the request."""

    def get(self, request):
        return Response({'user': request.user.pk, 'out': acts.run(request.query_params.get('arg', ''))})


if path is not None:
    urlpatterns = [
        path('', index), path('run/<word>', run), path('form', form), path('go', go), path('error', error),
        path('login', login), path('logout', logout), path('api', Api.as_view()), path('answer/<how>', answer),
    ]  # fmt: skip
else:
    urlpatterns = [
        url(r'^$', index), url(r'^run/(?P<word>[^/]+)$', run), url(r'^form$', form), url(r'^go$', go),
        url(r'^error$', error), url(r'^login$', login), url(r'^logout$', logout), url(r'^api$', Api.as_view()),
        url(r'^answer/(?P<how>[^/]+)$', answer),
    ]  # fmt: skip

with open('site.lock', 'w') as lock:  # several workers begin at once
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.path.exists('site.sqlite3'):
        call_command('migrate', verbosity=0, interactive=False)
        auth.get_user_model().objects.create_superuser(acts.USER, 'ada@example.org', acts.PASSWORD)

if ASYNC:
    from django.core.asgi import get_asgi_application

    application = get_asgi_application()
else:
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
