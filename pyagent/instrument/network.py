"""Hooks of outbound connections and requests. A connect beneath a URL tells that URL's operation what it resolved to, before the
connection is made."""

from __future__ import absolute_import

import socket

from ..core import context, operations
from ..core.context import Operation
from ..core.names import text_type
from .operation import around
from .patch import Row

_PORTS = {'http': 80, 'https': 443}


def connected(args, kwargs):
    """Describe socket.connect(self, address)."""
    address = args[1]
    outer = context.innermost()
    if isinstance(address, tuple) and len(address) >= 2:
        if outer is not None and outer.kind == 'url':
            if address[0] not in outer.resolved:
                outer.resolved.append(address[0])
                operations.goes_on(outer)
            return None
        return Operation('connect', _host_port(address[0], address[1]), 'socket')
    if getattr(args[0], 'family', None) == getattr(socket, 'AF_UNIX', -1):
        return Operation('connect', address, 'socket', flags='unix')
    return None


def _host_port(host, port):
    host = host.decode('latin-1') if isinstance(host, bytes) else text_type(host)
    return (u'[%s]:%s' if u':' in host else u'%s:%s') % (host, port)


def http_request(args, kwargs):
    """Describe http.client's HTTPConnection.request(self, method, url, ...)."""
    connection = args[0]
    url = args[2] if len(args) > 2 else kwargs['url']
    url = url.decode('latin-1') if isinstance(url, bytes) else text_type(url)
    if not url.startswith((u'http:', u'https:')):
        secure = 'HTTPS' in type(connection).__name__
        scheme = u'https' if secure else u'http'
        host = connection.host
        if connection.port != _PORTS[scheme]:
            host = _host_port(host, connection.port)
        url = u'%s://%s%s' % (scheme, host, url)
    return url_operation(url, 'http.client')


def url_open(args, kwargs):
    """Describe urllib's OpenerDirector.open(self, fullurl, ...)."""
    url = args[1] if len(args) > 1 else kwargs['fullurl']
    if not isinstance(url, (bytes, text_type)):
        url = url.get_full_url()
    return url_operation(url, 'urllib')


def url_operation(url, system):
    """One operation for one URL, also where a library calls another for it."""
    outer = context.innermost()
    while outer is not None:
        if outer.kind == 'url' and outer.text == url:
            return None
        outer = outer.outer
    return Operation('url', url, system)


ROWS = [
    Row('socket', 'socket.connect', around(connected)),
    Row('socket', 'socket.connect_ex', around(connected)),
    Row('http.client', 'HTTPConnection.request', around(http_request)),
    Row('httplib', 'HTTPConnection.request', around(http_request)),
    Row(
        'urllib3.connection', 'HTTPConnection.request', around(http_request)
    ),  # calls no other since 2.0
    Row('urllib.request', 'OpenerDirector.open', around(url_open)),
    Row('urllib2', 'OpenerDirector.open', around(url_open)),
]
