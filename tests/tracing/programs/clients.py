"""Every HTTP client of this environment asks a real server in every situation; prints what arrived, as JSON.

In the grammar of 2.7; `clients_async.py` holds the others.
"""

import json
import sys

import pyagent
from pyagent.core import agent as agents
from pyagent.core import context, guard, lifecycle
from tests.tracing.programs.echo import Echo

TRACE, PARENT, STATE = '4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', 'vendor=a:1,other=b'
OWN = '00-11111111111111111111111111111111-2222222222222222-00'
ARRIVED = {
    'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'HTTP_TRACEPARENT': '00-%s-%s-01' % (TRACE, PARENT),
    'HTTP_TRACESTATE': STATE,
}  # fmt: skip


def http_client(url, path, headers):
    try:
        from http.client import HTTPConnection
    except ImportError:
        from httplib import HTTPConnection
    connection = HTTPConnection(url.split('//')[1])
    given = dict(headers)
    connection.request('POST', path, b'body', given)
    connection.getresponse().read()
    connection.close()
    return given == headers


def urllib_reused(url, path, headers):
    """One Request object, opened twice: what it holds stays what the app put there."""
    try:
        from urllib.request import Request, urlopen
    except ImportError:
        from urllib2 import Request, urlopen
    request = Request(url + path, headers=headers)
    for _ in range(2):
        urlopen(request).read()
    names = [n.lower() for n in list(request.headers) + list(request.unredirected_hdrs)]
    return 'tracestate' not in names and names.count('traceparent') == len(headers)


def urllib3_pool(url, path, headers):
    import urllib3

    pool = urllib3.PoolManager(retries=urllib3.Retry(3, status_forcelist=[503], backoff_factor=0))
    given = dict(headers)
    pool.request('GET', url + path, headers=given)
    return given == headers


def requests_prepared(url, path, headers):
    import requests

    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request('POST', url + path, headers=headers, data='x'))
        before = dict(prepared.headers)
        answer = session.send(prepared)
        shown = [dict(one.request.headers) for one in answer.history] + [dict(prepared.headers)]
        return all(headers == before for headers in shown)


CLIENTS = {'http.client': http_client, 'urllib': urllib_reused}
for _name, _client in (('urllib3', urllib3_pool), ('requests', requests_prepared)):
    try:
        __import__(_name)
        CLIENTS[_name] = _client
    except ImportError:
        pass
if sys.version_info >= (3, 8):
    from tests.tracing.programs import clients_async

    CLIENTS.update(clients_async.CLIENTS)


def serve(arrived, work):
    """What `work` returns while a request is served, and the request."""
    request = lifecycle.begin(dict(arrived))
    try:
        return work(), request.request_id
    finally:
        lifecycle.end(request, 200)


def situations(echo, client):
    """Name -> what one client sent in it, whether the app's objects were left alone, and the request's id."""
    agent, found = agents.get(), {}

    def note(name, arrived, path='/', headers=None):
        def work():
            return client(echo.url, path, headers or {})

        alone, request_id = serve(arrived, work) if arrived else (work(), '')
        found[name] = {'seen': echo.take(), 'untouched': alone, 'id': request_id}

    echo.take()
    note('plain', ARRIVED)
    note('no trace arrived', {'PATH_INFO': '/'})
    note('own header', ARRIVED, headers={'Traceparent': OWN})
    note('moved', ARRIVED, '/moved')
    if client is urllib3_pool:
        note('busy', ARRIVED, '/busy')
    note('hostile state', dict(ARRIVED, HTTP_TRACESTATE='a=1\r\nX-Evil: 1'))
    note('hostile parent', dict(ARRIVED, HTTP_TRACEPARENT='00-%s-%s-01\r\nX-Evil: 1' % (TRACE, PARENT)))
    note('outside', None)
    agent.config.propagate = False
    note('off', ARRIVED)
    agent.config.propagate = True
    return found


def main():
    pyagent.enable()
    echo = Echo()
    found = dict((name, situations(echo, client)) for name, client in CLIENTS.items())
    pyagent.disable()
    context.enter(None)
    for name, client in CLIENTS.items():
        client(echo.url, '/', {})
        found[name]['disabled'] = {'seen': echo.take(), 'untouched': True, 'id': ''}
    print(json.dumps({'clients': found, 'problems': guard.errors()}))


if __name__ == '__main__':
    main()
