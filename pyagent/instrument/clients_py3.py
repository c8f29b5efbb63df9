"""HTTP clients that do not stand on http.client: httpx and aiohttp."""

from __future__ import absolute_import

from .network import url_operation
from .operation import around
from .operation_py3 import around_async
from .patch import Row
from .propagate import add_to


def sent(args, kwargs):
    """Describe httpx's Client.send(self, request, ...); the request is told the trace."""
    request = args[1] if len(args) > 1 else kwargs['request']
    add_to(request.headers)
    return url_operation(str(request.url), 'httpx')


def requested(args, kwargs):
    """Describe aiohttp's ClientSession._request(self, method, str_or_url, ...)."""
    url = args[2] if len(args) > 2 else kwargs['str_or_url']
    base = getattr(args[0], '_base_url', None)
    if base is not None and not str(url).startswith(('http:', 'https:')):
        url = base.join(type(base)(str(url)))
    return url_operation(str(url), 'aiohttp')


async def request_sent(original, args, kwargs):
    """aiohttp's ClientRequest.send(self, connection)."""
    add_to(args[0].headers)
    return await original(*args, **kwargs)


ROWS = [
    Row('httpx._client', 'Client.send', around(sent)),
    Row('httpx._client', 'AsyncClient.send', around_async(sent)),
    Row('aiohttp.client', 'ClientSession._request', around_async(requested)),
    Row('aiohttp.client_reqrep', 'ClientRequest.send', request_sent),
]
