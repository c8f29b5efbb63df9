"""The ASGI sites of the bench, and how they are called: on one loop, each request in a task, as servers do."""

import asyncio
import os

import calls
import django_pages
import wsgi_sites

_HEADERS = [(name.encode(), value.encode()) for name, value in calls.HEADERS.items()]


def starlette():
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    db = wsgi_sites.database()

    async def plain(request):
        return PlainTextResponse('hello')

    async def search(request):
        return PlainTextResponse(str(db.execute(wsgi_sites.QUERY, (request.query_params['q'],)).fetchall()))

    async def posted(request):
        return PlainTextResponse((await request.json())['title'])

    async def seen(request):
        return PlainTextResponse(calls.seen())

    pages = [Route('/plain', plain), Route('/search', search), Route('/json', posted, methods=['POST'])]
    return Starlette(routes=[*pages, Route('/seen', seen)])


def fastapi():
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app, db = FastAPI(), wsgi_sites.database()

    @app.get('/plain', response_class=PlainTextResponse)
    async def plain():
        return 'hello'

    @app.get('/search', response_class=PlainTextResponse)
    async def search(q: str):
        return str(db.execute(wsgi_sites.QUERY, (q,)).fetchall())

    @app.post('/json', response_class=PlainTextResponse)
    async def posted(book: dict):
        return book['title']

    @app.get('/seen', response_class=PlainTextResponse)
    async def seen():
        return calls.seen()

    return app


def django_asgi():
    from django.core.asgi import get_asgi_application

    os.environ['DJANGO_ALLOW_ASYNC_UNSAFE'] = '1'  # a query on the loop's thread: no other is measured

    def asynchronous(view):
        async def call(request):
            return view(request)

        return call

    django_pages.configure(asynchronous)
    return get_asgi_application()


SITES = {'starlette': starlette, 'fastapi': fastapi, 'django_asgi': django_asgi}


async def call(application, page):
    """Status and body of one call."""
    method, path, query, body = calls.PAGES_AND_SEEN[page]
    headers = list(_HEADERS)
    if body:
        headers += [(b'content-type', b'application/json'), (b'content-length', str(len(body)).encode())]
    scope = {
        'type': 'http', 'asgi': {'version': '3.0', 'spec_version': '2.3'}, 'http_version': '1.1', 'method': method,
        'scheme': 'http', 'path': path, 'raw_path': path.encode(), 'query_string': query.encode(), 'root_path': '',
        'headers': headers, 'client': ('127.0.0.1', 50000), 'server': ('127.0.0.1', 80), 'state': {},
    }  # fmt: skip
    waiting, sent = [{'type': 'http.request', 'body': body, 'more_body': False}], []

    async def receive():
        if waiting:
            return waiting.pop()
        return await asyncio.get_running_loop().create_future()  # the client stays

    async def send(message):
        sent.append(message)

    await asyncio.get_running_loop().create_task(application(scope, receive, send))
    return sent[0]['status'], b''.join(message.get('body', b'') for message in sent[1:])


async def serve(application, page, count):
    for _ in range(count):
        status, body = await call(application, page)
        if status != 200:
            raise RuntimeError(f'{page}: {status} {body[:500]!r}')


def server(site):
    """As `child.server`."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    application = SITES[site]()
    seen = loop.run_until_complete(call(application, 'seen'))[1]
    return lambda page, count: loop.run_until_complete(serve(application, page, count)), seen
