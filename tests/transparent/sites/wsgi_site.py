"""Echo and misbehave, in WSGI: `/read/HOW` reads the body so, `/answer/HOW` answers so. `python -m ... SERVER PORT`."""

import hashlib
import json
import os
import sys
import zlib

from tests.transparent.sites.pages import PAGES, note_of
from tests.transparent.sites.wsgi_answers import ANSWERS, OK, TEXT
from tests.transparent.sites.wsgi_reads import METHODS, READS


def application(environ, start_response):
    """The site."""
    kind, _, how = environ['PATH_INFO'][1:].partition('/')
    if kind in PAGES:
        start_response(OK, [('Content-Type', 'application/json')])
        return [json.dumps(PAGES[kind]()).encode('ascii')]
    note = note_of(environ.get('HTTP_X_CASE', ''))
    note([environ['REQUEST_METHOD'], sorted(k for k in environ if not k.startswith('cowitness.'))])
    if kind == 'read':
        return _read(how, environ, start_response, note)
    return ANSWERS[how](environ, start_response, note)


def _read(how, environ, start_response, note):
    stream = environ['wsgi.input']
    note([stream.__class__.__name__, [n for n in METHODS if hasattr(stream, n)]])
    whole = hashlib.md5()

    def saw(data):
        whole.update(data)
        note([len(data), zlib.crc32(data) & 0xFFFFFFFF])
        return data

    try:
        READS[how](stream, saw, int(environ.get('CONTENT_LENGTH') or 0))
    except Exception as error:
        note(['raised', type(error).__name__])
    start_response(OK, list(TEXT))
    return [whole.hexdigest().encode('ascii')]


if os.environ.get('SITE_WRAPPED'):  # under a server that is in no Python module
    from pyagent.instrument.wsgi import wrap

    application = wrap(application)


def main(server, port):
    """Serve until the end."""
    if server == 'wsgiref':
        from wsgiref.simple_server import make_server

        make_server('127.0.0.1', port, application).serve_forever()
    elif server == 'werkzeug':
        from werkzeug.serving import run_simple

        run_simple('127.0.0.1', port, application, threaded=True)
    else:
        from gevent.pywsgi import WSGIServer

        WSGIServer(('127.0.0.1', port), application).serve_forever()


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
