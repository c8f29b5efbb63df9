"""As reloaded_flask.py, in Starlette."""

import os
import sqlite3

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def index(request):
    sqlite3.connect(':memory:').execute("select '%s'" % request.query_params.get('q', '')).close()
    return PlainTextResponse(str(os.getpid()))


app = Starlette(routes=[Route('/', index)])
