"""A site that searches as no site should, through a driver, SQLAlchemy or Django's ORM: `shop_site.py PORT`."""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from tests.databases import drivers

try:
    from urllib.parse import parse_qs
except ImportError:
    from urlparse import parse_qs

URLS = {'postgresql': 'postgresql+psycopg2', 'mariadb': 'mysql+pymysql'}
ENGINES = {'postgresql': 'django.db.backends.postgresql', 'mariadb': 'django.db.backends.mysql'}


def statement(name):
    return "SELECT name FROM users WHERE age > 30 AND name = '%s'" % name


def by_driver(driver, name):
    connection = drivers.connect(driver)[0]
    try:
        cursor = connection.cursor()
        cursor.execute(statement(name))
        return [row[0] for row in cursor.fetchall()]
    finally:
        connection.close()


def by_sqlalchemy(kind, name):
    import sqlalchemy

    given = drivers.settings(kind)
    engine = sqlalchemy.create_engine('%s://shop:shop@127.0.0.1:%d/shop' % (URLS[kind], given['port']))
    with engine.connect() as connection:
        return [row[0] for row in connection.execute(sqlalchemy.text(statement(name).replace(':', '\\:')))]


def by_django(kind, name):
    import django
    from django.conf import settings

    if not settings.configured:
        databases = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
        for known in ENGINES:
            given = dict((k.upper(), v) for k, v in drivers.settings(known).items())
            databases[known] = dict(given, ENGINE=ENGINES[known], NAME='shop')
        settings.configure(DATABASES=databases, INSTALLED_APPS=[], USE_TZ=True)
        django.setup()
    from django.db import models

    if 'User' not in MODELS:
        fields = {'name': models.CharField(max_length=40), 'age': models.IntegerField(), '__module__': __name__}
        fields['Meta'] = type('Meta', (), {'db_table': 'users', 'app_label': 'shop', 'managed': False})
        MODELS['User'] = type('User', (models.Model,), fields)
    users = MODELS['User'].objects.using(kind)
    return [user.name for user in users.extra(where=["age > 30 AND name = '%s'" % name.replace('%', '%%')])]


MODELS = {}
WAYS = {'driver': by_driver, 'sqlalchemy': by_sqlalchemy, 'django': by_django}


def application(environ, start_response):
    _, way, what = environ['PATH_INFO'].split('/') if environ['PATH_INFO'].count('/') == 2 else ('', '', '')
    name = parse_qs(environ['QUERY_STRING']).get('name', [''])[0]
    body = ' '.join(WAYS[way](what.replace('_', ' '), name)) if way else 'ok'
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [body.encode('utf-8')]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == '__main__':
    make_server('127.0.0.1', int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
