"""The frame of the agent socket: a header of 12 bytes and a JSON body (proto/wire/README.md)."""

from __future__ import absolute_import

import json
import struct

from . import facts

HEADER = struct.Struct('>IBBHI')
VERSION = 1
MAX_BODY = 1 << 20
MAX_RECORD = 900 << 10
"""Bytes of a record: with a little around it a frame can hold it."""

HELLO, BATCH, ASK, STATUS = 1, 2, 3, 4
WELCOME, ACK, VERDICT, POLICY, ERROR = 17, 18, 19, 20, 21


class WireError(Exception):
    """The other side said what this side does not understand."""


def _encoder(ascii_only):
    """A function from a value to JSON. JSONEncoder makes its half in C anew for each value: here it is made once."""
    plain = json.JSONEncoder(ensure_ascii=ascii_only, check_circular=False, separators=(',', ':'))
    try:
        escape = 'encode_basestring_ascii' if ascii_only else 'encode_basestring'
        text = getattr(json.encoder, escape)
        parts = json.encoder.c_make_encoder(
            None, plain.default, text, None, ':', ',', False, False, True
        )
        sample = {'a': [1, u'"\xe9', None, True, 0.5], 'b': {}}
        if ''.join(parts(sample, 0)) == plain.encode(sample):
            return lambda value: ''.join(parts(value, 0))
    except Exception:  # an interpreter whose json is made differently
        pass
    return plain.encode


to_json = _encoder(ascii_only=not facts.TEXT_IS_UNICODE)

if facts.TEXT_IS_UNICODE:

    def to_utf8(text):
        """The bytes of JSON; a lone surrogate becomes a question mark."""
        return text.encode('utf-8', 'replace')

else:
    to_utf8 = bytes  # it is ASCII


def encode_body(value):
    """A value as JSON in UTF-8."""
    return to_utf8(to_json(value))


def encode_batch(records, dropped):
    """The body of a BATCH around records that are encoded already."""
    return b'{"records":[' + b','.join(records) + b'],"dropped":' + encode_body(dropped) + b'}'


def encode_ask(request, more):
    """The body of an ASK around a record of a request that is encoded already."""
    return b'{"request":' + request + b',' + encode_body(more)[1:]


def frame(kind, sequence, body):
    """A whole frame around an encoded body."""
    return HEADER.pack(len(body), kind, VERSION, 0, sequence & 0xFFFFFFFF) + body


class Splitter(object):
    """Cuts a byte stream into (kind, sequence, body as a value); raises WireError."""

    def __init__(self):
        self._buffer = b''

    def feed(self, data):
        """Add bytes, return the frames that they complete."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= HEADER.size:
            length, kind, version, reserved, sequence = HEADER.unpack_from(self._buffer)
            if version != VERSION or reserved or length > MAX_BODY:
                raise WireError('a frame of version %d with %d bytes' % (version, length))
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((kind, sequence, _decode(self._buffer[HEADER.size : end])))
            self._buffer = self._buffer[end:]
        return frames


def _decode(body):
    try:
        value = json.loads(body.decode('utf-8'))
    except ValueError:
        raise WireError('a body that is not JSON')
    if not isinstance(value, dict):
        raise WireError('a body that is no object')
    return value
