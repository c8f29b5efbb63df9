"""What passes between an ASGI application and its server; or the refusal in the place of the application's answer.

Messages pass by as they are; of a body a capped copy is kept, as the app receives it.
"""

from __future__ import absolute_import

from ..core import asking, blocked, guard, lifecycle

_BODY = 'http.response.body'
_END = {'type': _BODY, 'body': b'', 'more_body': False}
_FILES = ('http.response.pathsend', 'http.response.zerocopysend')


class Exchange(object):
    """Listens to what the application receives and sends. `size`: bytes of the body that went to the server."""

    def __init__(self, request, receive, send, scope):
        self.request, self._receive, self._send, self._scope = request, receive, send, scope
        self.status, self.headers, self.size = 0, (), 0
        self.refused = self.finished = False

    async def receive(self):
        """The next message for the application."""
        message = await self._receive()
        self._received(message)
        return message

    async def send(self, message):
        """A message of the application."""
        if self.request.judging is not None and not self.status:
            self._look(message)
        if self.request.refusal is not None:
            refusal = self._caught(message)
            if refusal is not None:
                return await self.begin_refusal(refusal)
            if self.refused:
                return await self.raw_send(dict(_END)) if self._ends(message) else None
        return await self.raw_send(message)

    async def begin_refusal(self, error):
        """Send the refusal but for its end; from now on the application is not heard."""
        self.refused = True
        messages = _refusal(error, self._scope) or _plain()
        await self.raw_send(messages[0])
        await self.raw_send(messages[1])

    async def raw_send(self, message):
        """Give the server a message, whoever it is from."""
        result = await self._send(message)
        self._sent(message)
        return result

    @guard.guarded
    def _look(self, message):
        """What the app answers is known, and nothing of it is out."""
        if message['type'] == 'http.response.start':
            asking.at_response(self.request, int(message['status']), _headers_of(message))

    @guard.guarded
    def _ends(self, message):
        """Whether this is the last that an app sends which is refused."""
        kind, ended = message['type'], self.finished
        self.finished = ended or kind in _FILES or not message.get('more_body', kind != _BODY)
        return self.finished and not ended

    @guard.guarded
    def _caught(self, message):
        """The refusal, where the app caught it and begins an answer in spite of it."""
        if self.status or message['type'] != 'http.response.start':
            return None
        return blocked.unheard(self.request)

    @guard.guarded
    def end(self):
        request = self.request
        if request is not None and not request.ended:
            request.response_size = self.size
            lifecycle.end(request, self.status, self.headers)

    @guard.guarded
    def _received(self, message):
        body = message.get('body')
        if body and not self.request.ended:
            lifecycle.saw_body(self.request, body)

    @guard.guarded
    def _sent(self, message):
        kind = message['type']
        if kind == 'http.response.start':
            self._started(message)
            return
        if kind == _BODY:
            self.size += len(message.get('body') or b'')
        elif kind in _FILES:
            self.size += message.get('count') or self._announced()
        elif kind != 'http.response.trailers':
            return
        if not message.get('more_body') and not message.get('more_trailers'):
            lifecycle.answered(self.request)

    def _started(self, message):
        self.status, self.headers = int(message['status']), _headers_of(message)

    def _announced(self):
        """What the headers say of the size: files are sent by the server."""
        return next((int(v) for n, v in self.headers if n.lower() == 'content-length'), 0)


def _headers_of(message):
    headers = message.get('headers') or ()
    if not isinstance(headers, (list, tuple)):  # an iterator is the server's to walk through
        return ()
    return [
        (bytes(name).decode('latin-1'), bytes(value).decode('latin-1')) for name, value in headers
    ]


async def refuse(exchange, error):
    """Answer in the app's place."""
    if not exchange.refused:
        await exchange.begin_refusal(error)
    if not exchange.finished:
        await exchange.raw_send(dict(_END))
    exchange.end()


@guard.guarded
def _refusal(error, scope):
    """All of it but its end: an app that sends something else behind it is not told that its client has all."""
    _, headers, body = blocked.response(error, _accept(scope) or '', scope.get('method'))
    raw = [(name.lower().encode('latin-1'), value.encode('latin-1')) for name, value in headers]
    start = {'type': 'http.response.start', 'status': error.status, 'headers': raw}
    return start, {'type': _BODY, 'body': b''.join(body), 'more_body': True}


def _plain():
    headers = [(b'content-type', b'text/plain'), (b'content-length', b'15')]
    start = {'type': 'http.response.start', 'status': 403, 'headers': headers}
    return start, {'type': _BODY, 'body': b'Request blocked', 'more_body': True}


@guard.guarded
def _accept(scope):
    return dict(scope.get('headers') or ()).get(b'accept', b'').decode('latin-1')
