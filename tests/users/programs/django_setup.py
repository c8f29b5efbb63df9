"""What the Django programs of these tests begin and end with: the agent, the site, its tables; all that was said.

COWITNESS_TEST_AGENT turns the agent on. In the grammar of 2.7.
"""

import json
import os
import tempfile

from tests.pyagent.support import Listener, wait_for
from tests.users.programs import visits

WATCHED = bool(os.environ.get('COWITNESS_TEST_AGENT'))
os.chdir(tempfile.mkdtemp(prefix='cw-'))
listener = Listener(os.getcwd())
os.environ['COWITNESS_RUN_DIR'] = os.getcwd()
if WATCHED:
    import pyagent

    pyagent.enable()

import django  # noqa: E402
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402

LAYERS = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]
APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions']


def configure(urls, model, more_apps, more_layers=(), **more):
    """Set Django up with users of this model, and further settings."""
    layers = LAYERS + list(more_layers)
    settings.configure(
        SECRET_KEY='known to all, this is a test, and is long enough for HS256',
        ALLOWED_HOSTS=['*'],
        ROOT_URLCONF=urls,
        AUTH_USER_MODEL=model,
        INSTALLED_APPS=APPS + list(more_apps),
        MIDDLEWARE=layers,
        MIDDLEWARE_CLASSES=layers,
        DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.abspath('db.sqlite3')}},
        DEFAULT_AUTO_FIELD='django.db.models.AutoField',
        PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
        LOGGING_CONFIG=None,
        **more
    )  # fmt: skip
    django.setup()


def serve():
    """The site, running, with a table for each model; visits.QUERIES gets the number of queries of each request."""
    from django.core.wsgi import get_wsgi_application
    from django.db import connection

    with connection.schema_editor() as editor:
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                editor.create_model(model)
    inner = get_wsgi_application()

    def application(environ, start_response):
        """Afterwards the number of queries is known: Django forgets those of the request before."""
        connection.force_debug_cursor = True
        body = inner(environ, start_response)
        visits.QUERIES.append(len(connection.queries_log))
        return body

    return visits.Site(application)


def tell(site, **more):
    """Print the visits, what the agent said of each, and what went wrong in it."""
    if WATCHED:
        wait_for(lambda: len(listener.records('request', phase='end')) == len(site.answers))
        pyagent.disable()
    records = [r for kind in ('login', 'request') for r in listener.records(kind)]
    problems = pyagent.core.guard.errors() if WATCHED else []
    print(json.dumps(dict(more, answers=site.answers, records=records, problems=problems)))
