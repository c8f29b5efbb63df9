"""Objects read back from bytes: an input names what was loaded to make them. (CWE-502)

The agent tells only of names that no data need (`posix.system`); here the input is looked for that holds them.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

MAX_INPUT = 262144
MAX_UNPACKED = 1 << 20
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_PLAIN_ALPHABET = str.maketrans("-_", "+/")


def reached(value: str, name: str) -> str:
    """What the input is once decoded, where it has the name that was loaded; else an empty text."""
    wanted = [part.encode("utf-8", "replace") for part in name.rpartition(".") if part not in ("", ".")]
    if not wanted or len(value) < len(name):
        return ""
    readings = _readings(value[:MAX_INPUT])
    return next((data.decode("latin-1") for data in readings if all(part in data for part in wanted)), "")


def _readings(value: str) -> Iterator[bytes]:
    """The input's bytes, and what they hold in base64, hexadecimal digits, or compressed."""
    plain = value.encode("utf-8", "replace")
    yield plain
    for data in _decoded(value.strip().strip("\"'")):
        yield data
        if (unpacked := _unpacked(data)) is not None:
            yield unpacked
    if not value.isascii() and (unpacked := _unpacked(value.encode("latin-1", "replace"))) is not None:
        yield unpacked


def _decoded(value: str) -> Iterator[bytes]:
    if _HEX.fullmatch(value):
        yield bytes.fromhex(value)
    value = value.replace(" ", "+").replace("\n", "")
    for part in _BASE64.findall(value)[:8]:  # a signed cookie is base64 between dots and colons
        bare = part.rstrip("=").translate(_PLAIN_ALPHABET)
        try:
            yield base64.b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "=" * (-len(bare) % 4))
        except binascii.Error:
            continue


def _unpacked(data: bytes) -> bytes | None:
    """What was compressed by zlib or gzip, at most MAX_UNPACKED bytes of it."""
    if data[:1] != b"\x78" and data[:2] != b"\x1f\x8b":
        return None
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, MAX_UNPACKED)
    except zlib.error:
        return None
