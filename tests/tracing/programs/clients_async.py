"""Clients that are there for 3.x only: httpx, blocking and not, and aiohttp."""

import asyncio

CLIENTS = {}

try:
    import httpx
except ImportError:
    httpx = None

try:
    import aiohttp
except ImportError:
    aiohttp = None


def httpx_client(url, path, headers):
    with httpx.Client(follow_redirects=True) as client:
        request = client.build_request('GET', url + path, headers=headers)
        before = list(request.headers.raw)
        answer = client.send(request)
        shown = [list(one.request.headers.raw) for one in answer.history] + [list(request.headers.raw)]
        return all(raw == before for raw in shown)


def httpx_async(url, path, headers):
    async def work():
        async with httpx.AsyncClient(follow_redirects=True) as client:
            request = client.build_request('GET', url + path, headers=headers)
            before = list(request.headers.raw)
            await client.send(request)
            return list(request.headers.raw) == before

    return asyncio.run(work())


def aiohttp_session(url, path, headers):
    async def work():
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url + path) as answer:
            await answer.read()
            names = [name.lower() for name in answer.request_info.headers]
            return 'tracestate' not in names and names.count('traceparent') == len(headers)

    return asyncio.run(work())


if httpx is not None:
    CLIENTS.update({'httpx': httpx_client, 'httpx async': httpx_async})
if aiohttp is not None:
    CLIENTS['aiohttp'] = aiohttp_session
