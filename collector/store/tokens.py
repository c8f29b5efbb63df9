"""Page tokens: where a listing stopped, bound to what was listed. Opaque to clients, checked on the way back."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec
from msgspec import Struct

from collector.store.base import PageTokenError

MAX_TOKEN = 256
"""Characters; longer ones are not looked at."""


class Position(Struct, frozen=True, array_like=True):
    """After which record the next page begins; `bound` is a digest of the filter."""

    bound: bytes
    time: int
    id: str


_decode = msgspec.msgpack.Decoder(Position).decode


def digest(wanted: Struct) -> bytes:
    """Eight bytes that stand for a filter and its kind."""
    data = msgspec.json.encode([type(wanted).__name__, wanted])
    return hashlib.blake2b(data, digest_size=8).digest()


def write(wanted: Struct, time: int, record_id: str) -> str:
    """The token of the page after this record."""
    data = msgspec.msgpack.encode(Position(digest(wanted), time, record_id))
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read(wanted: Struct, token: str) -> Position | None:
    """What `write` wrote, None for the first page; raises PageTokenError, also for the token of another filter."""
    if not token:
        return None
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError
        position = _decode(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if not -(1 << 63) <= position.time < 1 << 63:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise PageTokenError("this is no page token of ours") from None
    if position.bound != digest(wanted):
        raise PageTokenError("this page token belongs to another filter")
    return position
