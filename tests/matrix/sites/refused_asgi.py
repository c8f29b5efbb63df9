"""An ASGI application without a framework, refused at the response."""

import os
from urllib.parse import unquote_plus

from tests.matrix.sites.diary import did


async def application(scope, receive, send):
    if scope['type'] != 'http':
        return
    body = str(os.getpid())
    if scope['path'] == '/form':
        did('view')
        body = unquote_plus((await receive())['body'].decode().partition('=')[2])
    headers = [(b'content-type', b'text/plain'), (b'set-cookie', b'seen=much')]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body.encode()})
