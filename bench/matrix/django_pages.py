"""The pages of the bench in Django 1.8 and later, without a middleware; its own settings, too."""

from __future__ import absolute_import

import json

import calls

ROOT_URLCONF, ALLOWED_HOSTS, SECRET_KEY, LOGGING_CONFIG = __name__, ['*'], 'bench', None
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
MIDDLEWARE, MIDDLEWARE_CLASSES, DEFAULT_AUTO_FIELD = [], [], 'django.db.models.AutoField'

urlpatterns = []


def plain(request):
    from django.http import HttpResponse

    return HttpResponse('hello')


def search(request):
    from django.db import connection
    from django.http import HttpResponse

    with connection.cursor() as cursor:
        cursor.execute('select %s', [request.GET['q']])
        return HttpResponse(str(cursor.fetchall()))


def posted(request):
    from django.http import HttpResponse

    return HttpResponse(json.loads(request.body.decode('utf-8'))['title'])


def seen(request):
    from django.http import HttpResponse

    return HttpResponse(calls.seen())


VIEWS = {'plain': plain, 'search': search, 'json': posted, 'seen': seen}


def configure(adapt=lambda view: view):
    """The routes; `adapt` makes another kind of view of each."""
    import django

    django.setup()
    try:
        from django.urls import path
    except ImportError:
        from django.conf.urls import url

        urlpatterns.extend(url('^%s$' % name, view) for name, view in VIEWS.items())
    else:
        urlpatterns.extend(path(name, adapt(view)) for name, view in VIEWS.items())
