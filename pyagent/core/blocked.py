"""The answer to a request that is stopped: the collector's where it sent one, else a small page of our own."""

from __future__ import absolute_import

import re

from . import names
from .guard import guarded

PAGE = (
    u'<!doctype html><html lang="en"><meta charset="utf-8"><title>Request blocked</title>'
    u'<h1>This request was blocked</h1><p>Security response id: %s</p></html>\n'
)
MAX_HEADERS, MAX_HEADER, MAX_BODY = 32, 4096, 131072
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_VALUE = re.compile(r'[ -~]*\Z')
_BODILESS = (204, 304)


class Blocked(BaseException):
    """Raised out of an operation or a request that must not happen; no Exception, so that the app does not catch it.

    `headers` [(name, value)] and `body` (text) are the collector's answer; without them a page of ours is sent.
    """

    def __init__(self, response_id, status=403, headers=(), body=None):
        BaseException.__init__(self, 'blocked by Cowitness (%s)' % response_id)
        self.response_id, self.headers, self.body = response_id, headers, body
        lowest = 400 if body is None else 200
        self.status = status if lowest <= status <= 599 else 403


def of_verdict(response_id, verdict):
    """The Blocked for a verdict (a dict from the collector); what of it does not fit is left out."""
    status, body = verdict.get('status'), verdict.get('body')
    status = status if isinstance(status, int) else 403
    pairs = verdict.get('headers') or ()
    if isinstance(body, names.text_type) and len(body) <= MAX_BODY and _fit(pairs):
        return Blocked(
            response_id, status, [(str(name), str(value)) for name, value in pairs], body
        )
    return Blocked(response_id, status)


def _fit(pairs):
    """Whether these can be headers: they come from outside of this process."""
    if not isinstance(pairs, list) or len(pairs) > MAX_HEADERS:
        return False
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            return False
        name, value = pair
        if not (isinstance(name, names.text_type) and isinstance(value, names.text_type)):
            return False
        if len(value) > MAX_HEADER or not _NAME.match(name) or not _VALUE.match(value):
            return False
    return True


def response(blocked, accept, head=False):
    """Status line, headers and body (bytes) for a client that sent this Accept header; a HEAD gets no body. Does not
    raise."""
    return _response(blocked, accept, head) or ('403 Blocked', [('Content-Length', '0')], [b''])


@guarded
def _response(blocked, accept, head):
    if blocked.body is None:
        headers, body = _own(blocked, accept)
    else:
        headers, body = list(blocked.headers), blocked.body
    data = body.encode('utf-8')
    if blocked.status not in _BODILESS:
        headers.append(('Content-Length', str(len(data))))
    return '%d Blocked' % blocked.status, headers, [b'' if head else data]


def _own(blocked, accept):
    """Headers and body of our own page."""
    if 'json' in accept and 'html' not in accept:
        kind = 'application/json'
        body = u'{"title":"Request blocked","security_response_id":"%s"}\n' % blocked.response_id
    else:
        kind, body = 'text/html; charset=utf-8', PAGE % blocked.response_id
    return [('Content-Type', kind), ('Cache-Control', 'no-store')], body
