"""The site in Starlette: asynchronous, with the command behind several awaits."""

import asyncio
import json
import subprocess
import urllib.parse

from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

import pyagent
from tests.matrix.sites import acts, acts_py3


async def index(request):
    return PlainTextResponse('ok')


async def shell(argument):
    """Hand an argument to a shell, after others had their turn."""
    for _ in range(3):
        await asyncio.sleep(0.001)
    process = await asyncio.create_subprocess_shell('echo -n ' + argument, stdout=subprocess.PIPE)
    printed, _ = await process.communicate()
    return PlainTextResponse(printed)


async def run(request):
    return await shell(request.query_params.get('arg', ''))


async def form(request):
    if request.headers['content-type'] == 'application/json':
        return await shell((await request.json())['arg'])
    fields = await request.form()
    answer = await shell(fields['arg'])
    names = [f.filename for f in fields.values() if hasattr(f, 'filename')]
    return PlainTextResponse(answer.body.decode() + ' '.join(names))


async def go(request):
    loop = asyncio.get_running_loop()
    return PlainTextResponse(await loop.run_in_executor(None, acts.go, request.query_params['url']))


async def error(request):
    acts.fail()


async def answer(request):
    how = request.path_params['how']
    headers = {'X-Site': how}
    if how == 'file':
        return FileResponse(acts.FILE, headers=headers)
    return StreamingResponse(acts_py3.parts(how), headers=headers)


async def login(request):
    fields = dict(urllib.parse.parse_qsl((await request.body()).decode()))
    if (fields['username'], fields['password']) != (acts.USER, acts.PASSWORD):
        pyagent.track_login_failure(fields['username'], exists=fields['username'] == acts.USER)
        return PlainTextResponse('no', 403)
    pyagent.track_login_success(fields['username'], acts.USER_ID)
    return JSONResponse(json.loads('{"ok": true}'))


application = Starlette(
    routes=[
        Route('/', index),
        Mount('/run', routes=[Route('/{word}', run)]),
        Route('/form', form, methods=['POST']),
        Route('/go', go),
        Route('/error', error),
        Route('/answer/{how}', answer),
        Route('/login', login, methods=['POST']),
    ]
)
