"""The WSGI sites of the bench: the same pages bare, in Flask 0.10 and later, in Django 1.8 and later."""

from __future__ import absolute_import

import json
import os
import sqlite3

import calls

QUERY = 'select title from books where title = ?'


def database():
    """What the search pages ask."""
    db = sqlite3.connect(':memory:', check_same_thread=False)
    db.execute('create table books (title text)')
    return db


def plain_wsgi():
    """No framework, and no server that would be hooked: agent and tracers are given it, as their manuals say."""
    try:
        from urllib.parse import parse_qs
    except ImportError:
        from urlparse import parse_qs

    db = database()

    def application(environ, start_response):
        path = environ['PATH_INFO']
        if path == '/search':
            title = parse_qs(environ['QUERY_STRING'])['q'][0]
            text = str(db.execute(QUERY, (title,)).fetchall())
        elif path == '/json':
            body = environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))
            text = json.loads(body.decode('utf-8'))['title']
        else:
            text = calls.seen() if path == '/seen' else 'hello'
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [text.encode('utf-8')]

    return given(application, os.environ.get('BENCH_SIDE'))


def given(application, side):
    """An application under the agent or a tracer."""
    if side == 'cowitness':
        from pyagent.instrument.wsgi import wrap

        return wrap(application)
    if side == 'otel':
        from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(application)
    if side in ('asm', 'rasp'):
        from ddtrace.contrib.wsgi import DDWSGIMiddleware

        return DDWSGIMiddleware(application)
    return application


def flask():
    from flask import Flask, request

    app, db = Flask('bench'), database()

    @app.route('/plain')
    def plain():
        return 'hello'

    @app.route('/search')
    def search():
        return str(db.execute(QUERY, (request.args['q'],)).fetchall())

    @app.route('/json', methods=['POST'])
    def posted():
        return request.get_json()['title']

    @app.route('/seen')
    def seen():
        return calls.seen()

    return app


def django():
    import django_pages
    from django.core.wsgi import get_wsgi_application

    django_pages.configure()
    return get_wsgi_application()


SITES = {'wsgi': plain_wsgi, 'flask': flask, 'django': django}
