"""As reloaded_flask.py, in Django: its settings, its URLs and its view."""

import os
import sqlite3

from django.http import HttpResponse

try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url

SECRET_KEY = 'known to all, this is a test'
DEBUG = True
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = __name__
MIDDLEWARE = MIDDLEWARE_CLASSES = []


def index(request):
    sqlite3.connect(':memory:').execute("select '%s'" % request.GET.get('q', '')).close()
    return HttpResponse(str(os.getpid()))


urlpatterns = [url('^$', index)]
