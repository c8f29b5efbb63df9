"""As frameworks.py, for ASGI: applications as servers hold them, an answer under way, clients, processes."""

import asyncio
import sys

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/stream", "raw_path": b"/stream",
    "query_string": b"", "root_path": "", "headers": [(b"host", b"shop.example")], "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 80),
}  # fmt: skip


async def _parts():
    for part in ("one", "two", "three"):
        await asyncio.sleep(0)
        yield part


async def _stream(request):
    return StreamingResponse(_parts())


async def _command(request):
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "print(7)", stdout=-1)
    return PlainTextResponse((await process.communicate())[0])


class Conversation:
    """One call of an application, stopped before its second part until it may go on."""

    def __init__(self):
        self.sent, self.asked = [], False
        self.first, self.go = asyncio.Event(), asyncio.Event()

    async def receive(self):
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(60)  # the client stays
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if message.get("body"):
            self.first.set()
            await self.go.wait()

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)


def _application():
    return Starlette(routes=[Route("/stream", _stream), Route("/command", _command)])


def answer_under_way():
    """An answer of which the first part is out; then a whole one, which runs a command."""
    loop, application = asyncio.new_event_loop(), _application()

    async def begin():
        talk = Conversation()
        task = asyncio.ensure_future(application(dict(SCOPE), talk.receive, talk.send))
        await talk.first.wait()
        return talk, task

    talk, task = loop.run_until_complete(begin())
    yield
    talk.go.set()
    loop.run_until_complete(task)
    assert talk.body == b"onetwothree", talk.sent
    _whole(loop, application, "/command", b"7\n")
    loop.close()


def _whole(loop, application, path, expected):
    async def call():
        talk = Conversation()
        talk.go.set()
        await application(dict(SCOPE, path=path, raw_path=path.encode()), talk.receive, talk.send)
        return talk.body

    assert loop.run_until_complete(call()) == expected


def held_by_servers():
    """What uvicorn and hypercorn hold as the application."""
    held, application = [], _application()
    try:
        from uvicorn.config import Config

        config = Config(application, log_config=None)
        config.load()
        held.append(config.loaded_app)
    except ImportError:
        pass
    loop = asyncio.new_event_loop()
    yield
    for one in held:
        _whole(loop, one, "/stream", b"onetwothree")
    loop.close()


def clients():
    """An httpx client whose transport is an application."""
    try:
        import httpx
    except ImportError:
        yield
        return
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=_application()), base_url="http://shop.example")
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(client.get("/stream")).text == "onetwothree"
    yield
    assert loop.run_until_complete(client.get("/stream")).text == "onetwothree"
    loop.run_until_complete(client.aclose())
    loop.close()


ALL = [answer_under_way, held_by_servers, clients]
