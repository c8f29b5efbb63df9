"""A site in FastAPI that tells how far each request came, and how its dependencies ended."""

import os
import threading
from urllib.parse import unquote_plus

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import PlainTextResponse

import pyagent
from tests.matrix.sites import acts
from tests.matrix.sites.diary import did

application = FastAPI()


@application.middleware('http')
async def layer(request, call_next):
    response = await call_next(request)
    response.headers['X-Layer'] = 'passed'
    return response


def threaded():
    did('opened', in_worker())
    try:
        yield 1
    except Exception:
        did('caught')
        raise
    finally:
        did('closed', in_worker())


def in_worker():
    return 'here' if threading.current_thread() is threading.main_thread() else 'in a worker'


async def looped():
    did('opened', in_worker())
    try:
        yield 2
    finally:
        did('closed', in_worker())


def who(x_name: str = Header('')):
    if x_name:
        pyagent.track_user(x_name)
    return x_name


BOTH = [Depends(threaded), Depends(looped)]


@application.get('/')
def index():
    return PlainTextResponse(str(os.getpid()))


@application.get('/item/{word:path}')
def item(word: str):
    did('view')
    return PlainTextResponse(word)


@application.get('/other/{other:path}')
def other(other: str):
    return item(other)


@application.get('/run', dependencies=BOTH)
def run(arg: str):
    did('view')
    try:
        acts.run(arg)
        did('went on')
    except Exception:
        did('caught')
    finally:
        did('left')


@application.get('/stubborn', dependencies=BOTH)
def stubborn(arg: str):
    """Catches everything, and answers."""
    did('view')
    try:
        acts.run(arg)
    except BaseException:
        did('caught')
    return 'done'


@application.get('/arun', dependencies=BOTH)
async def arun(arg: str):
    run(arg)


@application.post('/form')
async def form(request: Request):
    """Refused when it has answered: what it was sent is judged then."""
    did('view')
    word = unquote_plus((await request.body()).decode().partition('=')[2])
    return PlainTextResponse(word, headers={'Set-Cookie': 'seen=much'})


@application.get('/layered', dependencies=BOTH)
def layered(name: str = Depends(who)):
    did('view')
    return PlainTextResponse(name)
