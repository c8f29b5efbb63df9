"""HTTP clients that do not stand on http.client: httpx (on httpcore) and aiohttp."""

from __future__ import absolute_import

import copy

from ..core import context, guard
from .network import url_operation
from .operation import around
from .operation_py3 import around_async
from .patch import Row
from .propagate import headers


def sent(args, kwargs):
    """Describe httpx's Client.send(self, request, ...)."""
    request = args[1] if len(args) > 1 else kwargs['request']
    return url_operation(str(request.url), 'httpx')


def requested(args, kwargs):
    """Describe aiohttp's ClientSession._request(self, method, str_or_url, ...)."""
    url = args[2] if len(args) > 2 else kwargs['str_or_url']
    base = getattr(args[0], '_base_url', None)
    if base is not None and not str(url).startswith(('http:', 'https:')):
        url = base.join(type(base)(str(url)))
    return url_operation(str(url), 'aiohttp')


def pooled(original, args, kwargs):
    """httpcore's ConnectionPool.handle_request(self, request): a copy of the request is told the trace."""
    if context.current() is not None and len(args) == 2:
        args = (args[0], _told(args[1]) or args[1])
    return original(*args, **kwargs)


async def pooled_async(original, args, kwargs):
    """httpcore's AsyncConnectionPool.handle_async_request(self, request)."""
    if context.current() is not None and len(args) == 2:
        args = (args[0], _told(args[1]) or args[1])
    return await original(*args, **kwargs)


@guard.guarded
def _told(request):
    present = [value for name, value in request.headers if name.lower() == b'traceparent']
    added = headers(present[0].decode('latin-1') if present else '')
    if added:
        request = copy.copy(request)
        request.headers = list(request.headers) + [(n.encode(), v.encode()) for n, v in added]
    return request


def serialized(original, args, kwargs):
    """aiohttp's _serialize_headers(status_line, headers), of its client and its server."""
    if context.current() is not None and len(args) == 2:
        args = (args[0], _with_trace(*args) or args[1])
    return original(*args, **kwargs)


@guard.guarded
def _with_trace(line, given):
    """The headers of a request, with ours; answers and the way through a proxy have none."""
    if line.startswith(('HTTP/', 'CONNECT ')):
        return given
    added = headers(given.get('traceparent', ''))
    if added:
        given = given.copy()
        given.update(added)
    return given


ROWS = [
    Row('httpx._client', 'Client.send', around(sent)),
    Row('httpx._client', 'AsyncClient.send', around_async(sent)),
    Row('httpcore._sync.connection_pool', 'ConnectionPool.handle_request', pooled),
    Row(
        'httpcore._async.connection_pool', 'AsyncConnectionPool.handle_async_request', pooled_async
    ),
    Row('aiohttp.client', 'ClientSession._request', around_async(requested)),
    Row('aiohttp.http_writer', '_serialize_headers', serialized),
]
