"""The refusal in the place of what an app on http.server would have answered; where a part of that is out, the
connection ends."""

from __future__ import absolute_import

import socket

from ..core import blocked, guard, names

MAX_UNREAD, PATIENCE = 1 << 20, 1.0
_LAST_RESORT = b'HTTP/1.0 403 Blocked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'


def refuse(exchange, error):
    """Answer in the app's place, unless a part of its answer is out. The connection ends."""
    _give_up(exchange)
    if not exchange.sent:
        _send(exchange, _refusal(exchange, error) or _LAST_RESORT)


@guard.guarded
def _give_up(exchange):
    handler = exchange.handler
    handler.close_connection = True
    handler.__dict__.pop('_headers_buffer', None)


@guard.guarded
def _refusal(exchange, error):
    """All bytes of the refusal."""
    handler = exchange.handler
    exchange.status = error.status
    accept = handler.headers.get('Accept') or ''
    status, exchange.headers, body = blocked.response(error, accept, handler.command)
    body = b''.join(body)
    exchange.sent = len(body)
    if handler.request_version == 'HTTP/0.9':
        return body
    lines = ['%s %s' % (handler.protocol_version, status)]
    own = [('Server', handler.version_string()), ('Date', handler.date_time_string())]
    lines += ['%s: %s' % pair for pair in own + exchange.headers + [('Connection', 'close')]]
    return '\r\n'.join(lines + ['', '']).encode('latin-1') + body


def _send(exchange, data):
    try:
        exchange.wfile.write(data)
        exchange.wfile.flush()
    except (OSError, socket.error, ValueError):  # the client has gone
        return
    _log(exchange)
    _read_up(exchange)


@guard.guarded
def _log(exchange):
    exchange.handler.log_request(exchange.status)


@guard.guarded
def _read_up(exchange):
    """A connection that is closed with a body unread is reset, and a client that still sends may never read the answer."""
    handler = exchange.handler
    length = handler.headers.get('Content-Length') or ''
    left = (int(length) if length.isdigit() else 0) - exchange.request.body_size
    if left > 0:
        handler.connection.settimeout(PATIENCE)
        _read(handler.rfile, min(left, MAX_UNREAD))


def _read(stream, left):
    read = getattr(stream, 'read1', None) or _read_one(stream)
    end = names.monotonic() + PATIENCE
    try:
        while left > 0 and names.monotonic() < end:
            data = read(min(left, 65536))
            left -= len(data) or left
    except (OSError, socket.error):  # it does not come
        pass


def _read_one(stream):
    """2.7 has no read1: what reads a byte never waits for another."""
    return lambda size: stream.read(1)
