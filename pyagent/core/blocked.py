"""The answer to a request that is stopped."""

from __future__ import absolute_import

from .guard import guarded

PAGE = (
    u'<!doctype html><html lang="en"><meta charset="utf-8"><title>Request blocked</title>'
    u'<h1>This request was blocked</h1><p>Security response id: %s</p></html>\n'
)


class Blocked(BaseException):
    """Raised out of an operation or a request that must not happen; no Exception, so that the app does not catch it."""

    def __init__(self, response_id, status=403):
        BaseException.__init__(self, 'blocked by Cowitness (%s)' % response_id)
        self.response_id = response_id
        self.status = status if 400 <= status <= 599 else 403


def response(blocked, accept):
    """Status line, headers and body (bytes) for a client that sent this Accept header. Does not raise."""
    return _response(blocked, accept) or ('403 Blocked', [('Content-Length', '0')], [b''])


@guarded
def _response(blocked, accept):
    if 'json' in accept and 'html' not in accept:
        kind = 'application/json'
        body = u'{"title":"Request blocked","security_response_id":"%s"}\n' % blocked.response_id
    else:
        kind, body = 'text/html; charset=utf-8', PAGE % blocked.response_id
    data = body.encode('utf-8')
    headers = [
        ('Content-Type', kind),
        ('Content-Length', str(len(data))),
        ('Cache-Control', 'no-store'),
    ]
    return '%d Blocked' % blocked.status, headers, [data]
