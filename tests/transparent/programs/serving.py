"""A WSGI application that is served without a server: a request is a function call."""

import io
import sys


def wrap(application):
    """With the agent, where it is on."""
    return sys.modules['pyagent'].wrap_wsgi(application) if 'pyagent' in sys.modules else application


@wrap
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    yield environ['wsgi.input'].read(5)


def serve(path):
    """Ask for `path`; the body that came back."""
    environ = {
        'REQUEST_METHOD': 'POST', 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': '', 'CONTENT_LENGTH': '5',
        'SERVER_NAME': 'here', 'SERVER_PORT': '80', 'wsgi.url_scheme': 'http', 'wsgi.input': io.BytesIO(b'hello'),
    }  # fmt: skip
    body = application(environ, lambda status, headers, exc_info=None: None)
    try:
        return b''.join(body)
    finally:
        if hasattr(body, 'close'):
            body.close()
