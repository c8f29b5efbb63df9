"""As shops.py, for ASGI: Starlette, and a plain application, on a loop of their own."""

import asyncio
import sys

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.removal.programs import acts

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "query_string": b"a=1", "root_path": "",
    "headers": [(b"host", b"shop.example"), (b"accept", b"*/*"), (b"b3", b"1" * 32 + b"-" + b"2" * 16)],
    "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 80),
}  # fmt: skip
LOOP = asyncio.new_event_loop()


def ask(application, path, query=b"a=1", body=b"name=<script>"):
    """The messages that came back, or the error that it broke off with."""
    return LOOP.run_until_complete(_ask(application, path, query, body))


async def _ask(application, path, query, body):
    sent, parts = [], [body[:5], body[5:]]

    async def receive():
        if not parts:
            await asyncio.sleep(60)
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        headers = [(name, value) for name, value in message.get("headers", ()) if name != b"date"]
        sent.append(dict(message, headers=sorted(headers)))

    scope = dict(SCOPE, path=path, raw_path=path.encode(), query_string=query)
    try:
        await application(scope, receive, send)
    except Exception as error:
        sent.append(f"{type(error).__name__}: {error}")
    return sent


async def plain(scope, receive, send):
    """An application without a framework, that reads its body and answers in two parts."""
    first = await receive()
    second = await receive()
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-plain", b"1")]})
    await send({"type": "http.response.body", "body": first["body"], "more_body": True})
    acts.DONE.append("plain")
    await send({"type": "http.response.body", "body": second["body"]})


async def _act(request):
    return PlainTextResponse(getattr(acts, request.path_params["name"])() + (await request.body()).decode())


async def _command(request):
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "print(7)", stdout=-1)
    acts.DONE.append((await process.communicate())[0])
    process = await asyncio.create_subprocess_shell("echo eight", stdout=-1)
    return PlainTextResponse((await process.communicate())[0])


async def _together(request):
    async def one():
        raise ValueError("one of a group")

    return PlainTextResponse(str(await asyncio.gather(one(), asyncio.sleep(0), return_exceptions=True)))


async def _parts(request):
    async def parts():
        yield "one"
        await asyncio.sleep(0)
        yield "two"

    return StreamingResponse(parts())


def requests(wrapped):
    """[(name, function that asks and returns what came back)]; `wrapped()` is the plain application."""
    names = [("/act/{name}", _act), ("/command", _command), ("/together", _together), ("/parts", _parts)]
    site = Starlette(routes=[Route(path, view, methods=["POST"]) for path, view in names])
    pages = [("/act/files", b"a=1"), ("/act/failing", b"a=..%2f"), ("/command", b"a=;ls"), ("/together", b""),
             ("/parts", b""), ("/nowhere", b"")]  # fmt: skip
    found = [(f"starlette {path}", lambda path=path, query=query: ask(site, path, query)) for path, query in pages]
    return [*found, ("asgi /", lambda: ask(wrapped(), "/"))]


WRAPPED = plain
