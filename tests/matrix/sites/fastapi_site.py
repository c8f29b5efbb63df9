"""The site in FastAPI: half of its endpoints run in worker threads."""

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse

import pyagent
from tests.matrix.sites import acts

application = FastAPI()


@application.get('/')
async def index():
    return 'ok'


@application.get('/run/{word}')
def run(word: str, arg: str = ''):
    return PlainTextResponse(acts.run(arg))


@application.post('/form')
async def form(request: Request):
    if request.headers['content-type'] == 'application/json':
        return PlainTextResponse(acts.run((await request.json())['arg']))
    fields = await request.form()
    names = [f.filename for f in fields.values() if hasattr(f, 'filename')]
    return PlainTextResponse(acts.run(fields['arg']) + ' '.join(names))


@application.get('/go')
def go(url: str):
    return PlainTextResponse(acts.go(url))


@application.get('/error')
def error():
    acts.fail()


@application.api_route('/answer/{how}', methods=['GET', 'HEAD'])
def answer(how: str):
    headers = {'X-Site': how}
    if how == 'file':
        return FileResponse(acts.FILE, headers=headers)
    return StreamingResponse(acts.parts(how), headers=headers)


@application.post('/login')
def login(response: Response, username: str = Form(), password: str = Form()):
    if (username, password) != (acts.USER, acts.PASSWORD):
        pyagent.track_login_failure(username, exists=username == acts.USER)
        response.status_code = 403
        return 'no'
    pyagent.track_login_success(username, acts.USER_ID)
    return {'ok': True}
