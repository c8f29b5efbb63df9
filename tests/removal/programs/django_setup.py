"""Django, 1.8 to the newest, configured in one module. In the grammar of 2.7."""

from __future__ import absolute_import

import django
from django.conf import settings

urlpatterns = []


def prepare(views, *apps):
    """Configure Django with these applications; the site answers with `views()`: (pattern, function) each."""
    settings.configure(
        SECRET_KEY='known', ALLOWED_HOSTS=['*'], ROOT_URLCONF=__name__, MIDDLEWARE=[], MIDDLEWARE_CLASSES=[],
        INSTALLED_APPS=apps, LOGGING_CONFIG=None, DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    )  # fmt: skip
    django.setup()
    try:
        from django.urls import re_path as url
    except ImportError:
        from django.conf.urls import url
    urlpatterns[:] = [url(*view) for view in views()]
