"""Echo and misbehave, in ASGI: `/read/HOW` reads the body so, `/answer/HOW` answers so."""

import asyncio
import hashlib
import json
import zlib

from tests.transparent.sites.acts import FILE, work
from tests.transparent.sites.pages import PAGES, note_of

TEXT = [(b'content-type', b'text/plain')]


async def application(scope, receive, send):
    """The site."""
    if scope['type'] == 'lifespan':
        return await _live(scope, receive, send)
    if scope['type'] == 'websocket':
        return await _talk(scope, receive, send)
    kind, _, how = scope['path'][1:].partition('/')
    if kind in PAGES:
        return await _say(send, json.dumps(PAGES[kind]()).encode())
    note = note_of(dict(scope['headers']).get(b'x-case', b'').decode())
    note([scope['method'], sorted(key for key in scope if not key.startswith('cowitness.'))])
    note([sorted(scope.get('extensions') or ()), sorted(scope.get('state') or ())])
    try:
        if kind == 'read':
            await _read(how, receive, send, note)
        else:
            await ANSWERS[how](scope, receive, send, note)
    except BaseException as error:
        note(['raised', type(error).__name__])
        raise
    finally:
        note('done')


async def _live(scope, receive, send):
    note = note_of('lifespan')
    while True:
        message = await receive()
        note(message['type'])
        if 'state' in scope:
            scope['state']['shelf'] = 'full'
        print(message['type'])
        await send({'type': message['type'] + '.complete'})
        if message['type'] == 'lifespan.shutdown':
            return


async def _talk(scope, receive, send):
    """A websocket that says what it hears."""
    note = note_of('websocket')
    note(sorted(scope))
    note((await receive())['type'])
    await send({'type': 'websocket.accept'})
    while True:
        message = await receive()
        note([message['type'], sorted(message), message.get('text')])
        if message['type'] == 'websocket.disconnect':
            note('done')
            return
        await send({'type': 'websocket.send', 'text': message['text']})


async def _start(send, status=200, headers=TEXT, **more):
    await send(dict({'type': 'http.response.start', 'status': status, 'headers': headers}, **more))


async def _part(send, body=b'', more=False):
    return await send({'type': 'http.response.body', 'body': body, 'more_body': more})


async def _say(send, body, status=200, headers=TEXT):
    await _start(send, status, [*headers, (b'content-length', b'%d' % len(body))])
    await _part(send, body)


# Reading


async def _read(how, receive, send, note):
    whole = hashlib.md5()
    total = 0
    while how != 'nothing':
        message = await receive()
        body = message.get('body', b'')
        whole.update(body)
        total += len(body)
        if message['type'] != 'http.request' or how == 'once' or not message.get('more_body'):
            note([message['type'], sorted(message), total])
            break
    if how == 'past':  # what comes after the body's end is that the client has gone
        await _start(send)
        await _part(send, b'all of it', more=True)
        note((await receive())['type'])
        return
    await _say(send, whole.hexdigest().encode())


# Answering


async def _streams(scope, receive, send, note):
    await _start(send)
    for part in (b'a', b'', b'bc'):
        note(await _part(send, part, more=True))
    await _part(send)


async def _tells(scope, receive, send, note):
    """A body whose reading is told part by part, as it comes."""
    await _start(send)
    more = True
    while more:
        message = await receive()
        more = message.get('more_body')
        await _part(send, b'saw:' + message['body'] + b'\n', more=True)
    await _part(send)


async def _works_on(scope, receive, send, note):
    """Answers, and goes on working."""
    await _say(send, b'later')
    await asyncio.sleep(0.01)
    note('worked on')


async def _endless(scope, receive, send, note):
    """Until the client has gone, however the server tells."""
    gone = asyncio.ensure_future(_gone(receive))
    await _start(send)
    while not gone.done():
        try:
            await _part(send, b'x' * 65536, more=True)
        except OSError:
            break
        await asyncio.sleep(0)
    note(await gone)


async def _gone(receive):
    kind = ''
    while kind != 'http.disconnect':
        kind = (await receive())['type']
    return kind


def _plain(body, status=200, headers=TEXT, length=True):
    async def answer(scope, receive, send, note):
        await _start(send, status, [*headers, *([(b'content-length', b'%d' % len(body))] if length else [])])
        await _part(send, body)

    return answer


async def _lazy_headers(scope, receive, send, note):
    await _start(send, headers=(pair for pair in TEXT))
    await _part(send, b'lazy')


async def _mutable(scope, receive, send, note):
    await _start(send, headers=[[bytearray(b'x-a'), memoryview(b'b')], *map(list, TEXT)])
    await _part(send, bytearray(b'mutable'))


async def _raises(scope, receive, send, note):
    raise ValueError('before anything')


async def _raises_after_start(scope, receive, send, note):
    await _start(send)
    raise ValueError('after the start')


async def _fails(scope, receive, send, note):
    await _start(send)
    await _part(send, b'half', more=True)
    raise ValueError('half-way')


async def _twice_started(scope, receive, send, note):
    await _start(send)
    await _start(send, 201)
    await _part(send, b'x')


async def _unfinished(scope, receive, send, note):
    await _start(send)
    await _part(send, b'half', more=True)


async def _silent(scope, receive, send, note):
    pass


async def _trails(scope, receive, send, note):
    able = 'http.response.trailers' in (scope.get('extensions') or ())
    await _start(send, **({'trailers': True} if able else {}))
    await _part(send, b'trailed')
    if able:
        await send({'type': 'http.response.trailers', 'headers': [(b'x-end', b'1')], 'more_trailers': False})


async def _hints(scope, receive, send, note):
    if 'http.response.early_hint' in (scope.get('extensions') or ()):
        await send({'type': 'http.response.early_hint', 'links': [b'</style.css>; rel=preload']})
    await _say(send, b'hinted')


async def _file(scope, receive, send, note):
    extensions = scope.get('extensions') or ()
    await _start(send, headers=[*TEXT, (b'content-length', b'100000')])
    if 'http.response.zerocopysend' in extensions:
        with open(FILE.name, 'rb') as file:
            await send({'type': 'http.response.zerocopysend', 'file': file.fileno()})
    elif 'http.response.pathsend' in extensions:
        await send({'type': 'http.response.pathsend', 'path': FILE.name})
    else:
        await _part(send, b'0123456789' * 10000)


async def _works(scope, receive, send, note):
    await _start(send)
    await _part(send, work(), more=True)
    await _part(send, await asyncio.get_running_loop().run_in_executor(None, work))


async def _upload(scope, receive, send, note):
    whole, size, more = hashlib.md5(), 0, True
    while more:
        message = await receive()
        more = message.get('more_body')
        whole.update(message.get('body', b''))
        size += len(message.get('body', b''))
    note([size, zlib.crc32(whole.digest())])
    await _say(send, whole.hexdigest().encode())


ANSWERS = {
    'plain': _plain(b'one'), 'empty': _plain(b''), 'chunked': _plain(b'one', length=False), 'streams': _streams,
    'nocontent': _plain(b'', 204, [], length=False), 'unmodified': _plain(b'', 304, [(b'etag', b'"a"')], length=False),
    'long': _plain(b'0123456789abcde', headers=[*TEXT, (b'content-length', b'10')], length=False),
    'short': _plain(b'01234', headers=[*TEXT, (b'content-length', b'10')], length=False),
    'tells': _tells, 'workson': _works_on, 'endless': _endless, 'lazyheaders': _lazy_headers, 'mutable': _mutable,
    'raises': _raises, 'raisesafter': _raises_after_start, 'fails': _fails, 'twicestarted': _twice_started,
    'unfinished': _unfinished, 'silent': _silent, 'trails': _trails, 'hints': _hints, 'file': _file, 'upload': _upload,
    'works': _works,
}  # fmt: skip
