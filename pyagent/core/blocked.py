"""The answer to a request that is stopped: the collector's, or a page of our own where that has none that fits."""

from __future__ import absolute_import

import re

from . import names
from .guard import guarded

PAGE = (
    u'<!doctype html><html lang="en"><meta charset="utf-8"><title>Request blocked</title>'
    u'<h1>This request was blocked</h1><p>Security response id: %s</p></html>\n'
)
JSON = u'{"errors":[{"title":"You\'ve been blocked","detail":"Request blocked"}],"security_response_id":"%s"}\n'
MAX_HEADERS, MAX_BODY = 32, 128 << 10
_BODILESS = (204, 205, 304)
_OURS = ('content-length', 'transfer-encoding', 'connection')
_NAME, _VALUE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z"), re.compile(r'[ -~]{0,4096}\Z')


class Blocked(BaseException):
    """Raised out of an operation or a request that must not happen; no Exception, so that the app does not catch it.

    `answer` is what `played` made of a verdict: headers and body, or None.
    """

    def __init__(self, response_id, status=403, answer=None):
        BaseException.__init__(self, 'blocked by Cowitness (%s)' % response_id)
        self.response_id, self.answer = response_id, answer
        self.status = status if _is_status(status) else 403


def played(verdict):
    """Headers and body (bytes) that a VERDICT tells (proto/wire/README.md); None where they do not fit."""
    headers, body = verdict.get('headers', []), verdict.get('body')
    if not _is_status(verdict.get('status')) or not isinstance(body, names.text_type):
        return None
    if not isinstance(headers, list) or len(headers) > MAX_HEADERS or len(body) > MAX_BODY:
        return None
    data = body.encode('utf-8')
    if len(data) > MAX_BODY or not all(_is_header(header) for header in headers):
        return None
    return [(str(name), str(value)) for name, value in headers], data


@guarded
def unheard(request):
    """The refusal of a request whose app caught it, or raised something else on its way out; None where there is none."""
    if request.refusal is None:
        return None
    return Blocked(request.request_id, *request.refusal)


def _is_status(status):
    return type(status) is int and 200 <= status <= 599


def _is_header(header):
    if not isinstance(header, list) or len(header) != 2:
        return False
    if not all(isinstance(word, names.text_type) for word in header):
        return False
    name, value = header
    return bool(_NAME.match(name) and _VALUE.match(value)) and name.lower() not in _OURS


def response(blocked, accept, method='GET'):
    """Status line, headers and body (bytes) for a client that sent this Accept header. Does not raise."""
    return _response(blocked, accept, method) or ('403 Blocked', [('Content-Length', '0')], [b''])


@guarded
def _response(blocked, accept, method):
    headers, data = blocked.answer or _own(blocked, accept)
    headers = list(headers)
    if blocked.status in _BODILESS:
        data = b''
    else:
        headers.append(('Content-Length', str(len(data))))
    return '%d Blocked' % blocked.status, headers, [b'' if method == 'HEAD' else data]


def _own(blocked, accept):
    if 'html' in accept and 'json' not in accept:
        kind, body = 'text/html; charset=utf-8', PAGE
    else:
        kind, body = 'application/json', JSON
    headers = [('Content-Type', kind), ('Cache-Control', 'no-store')]
    return headers, (body % blocked.response_id).encode('utf-8')
