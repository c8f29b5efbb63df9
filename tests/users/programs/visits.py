"""What visitors do, over HTTP, on a site of these programs. In the grammar of 2.7."""

import base64
import json
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

try:
    from http.client import HTTPConnection
    from urllib.parse import urlencode
except ImportError:
    from urllib import urlencode

    from httplib import HTTPConnection

PASSWORD, WRONG = 'lovelace-1815-correct', 'lovelace-1815-wrong'
LOGINS = {'auth.User': 'ada', 'people.EmailUser': 'ada@example.org', 'people.PhoneUser': '555-0100'}
QUERIES = []


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Site(object):
    """The running site, and a browser that keeps its cookies."""

    def __init__(self, application):
        self._server = make_server('127.0.0.1', 0, application, handler_class=Quiet)
        thread = threading.Thread(target=self._server.serve_forever)
        thread.daemon = True
        thread.start()
        self.cookies, self.answers = {}, []

    def ask(self, name, path, fields=None, **headers):
        """One visit, noted under its name with its queries; what came back. `fields` are posted, or a whole body."""
        connection = HTTPConnection('127.0.0.1', self._server.server_port)
        headers = dict((key.replace('_', '-'), value) for key, value in headers.items())
        if self.cookies:
            headers['Cookie'] = '; '.join('%s=%s' % cookie for cookie in self.cookies.items())
        if fields is not None:
            headers.setdefault('Content-Type', 'application/x-www-form-urlencoded')
        body = fields if isinstance(fields, str) else urlencode(fields or {})
        connection.request('GET' if fields is None else 'POST', path, body, headers)
        answer = connection.getresponse()
        body = answer.read().decode('utf-8')
        self.cookies.update(_set(answer.msg))
        connection.close()
        self.answers.append([name, answer.status, body, QUERIES[-1]])
        return body


def _set(message):
    """(name, value) of each cookie that an answer sets."""
    lines = message.get_all('Set-Cookie') if hasattr(message, 'get_all') else message.getheaders('Set-Cookie')
    return [line.split(';')[0].split('=', 1) for line in lines or ()]


def credentials(name, password, field='username'):
    return {field: name, 'password': password}


def visit(site, model, token, has_jwt, has_async):
    """Everything, in order; `site.answers` has (name, status, body, queries) of each visit."""
    name = LOGINS[model]
    site.ask('wrong', '/login', credentials(name, WRONG))
    site.ask('unknown', '/login', credentials('nobody@example.org', WRONG))
    site.ask('login', '/login', credentials(name, PASSWORD))
    site.ask('me', '/me')
    site.ask('quiet', '/quiet')
    site.ask('logout', '/logout', {})
    site.ask('logout again', '/logout', {})
    site.ask('deferred', '/deferred?' + urlencode({'login': name}))
    for kind in ('form', 'create', 'Customer', 'Seller') if model == 'auth.User' else ('create',):
        site.ask('signup ' + kind, '/signup', dict(credentials('new-' + kind, PASSWORD), kind=kind))
    if model == 'auth.User':
        framework(site, name, token)
    if has_jwt and model == 'auth.User':
        jwt(site, name)
    if has_async:
        site.ask('async wrong', '/alogin', credentials(name, WRONG))
        site.ask('async login', '/alogin', credentials(name, PASSWORD))
        site.ask('async logout', '/logout', {})


def framework(site, name, token):
    """REST framework: tokens given and used, and Basic."""
    site.ask('token wrong', '/token', credentials(name, WRONG))
    site.ask('token', '/token', credentials(name, PASSWORD))
    site.ask('by token', '/api/token', Authorization='Token ' + token)
    basic = base64.b64encode(('%s:%s' % (name, PASSWORD)).encode()).decode()
    site.ask('by basic', '/api/basic', Authorization='Basic ' + basic)


def jwt(site, name):
    """simplejwt: with the user from the database, and from the token alone."""
    access = json.loads(site.ask('jwt', '/jwt', credentials(name, PASSWORD)))['access']
    site.ask('by jwt', '/api/jwt', Authorization='Bearer ' + access)
    site.ask('stateless', '/api/stateless', Authorization='Bearer ' + access)
