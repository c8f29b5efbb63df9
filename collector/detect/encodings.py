"""What stands within other characters: percent escapes and base64, as lenient readers take them."""

from __future__ import annotations

import base64
import re

MIN_BASE64 = 6
MAX_BASE64 = 131072
_WIDE = re.compile(r"%u([0-9a-f]{4})", re.IGNORECASE)
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_BYTES = {
    f"%{high}{low}".encode(): bytes([int(high + low, 16)])
    for high in "0123456789abcdefABCDEF"
    for low in "0123456789abcdefABCDEF"
}
_LONG = re.compile(rb"(?:\xc0|\xe0\x80|\xf0\x80\x80|\xf8\x80\x80\x80|\xfc\x80\x80\x80\x80)[\x80-\xbf]"
                   rb"|(?:\xc1|\xe0\x81|\xf0\x80\x81|\xf8\x80\x80\x81|\xfc\x80\x80\x80\x81)[\x80-\xbf]")  # fmt: skip
_BASE64 = re.compile(r"[A-Za-z0-9+/_ -]+={0,2}")
_PLAIN_ALPHABET = str.maketrans("-_ ", "+/+")
_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\r\n")
_UNREADABLE = _CONTROLS + bytes(range(128, 256))


def base64_text(value: str) -> str:
    """The text in a value that is base64 of readable text; empty where it is not. A blank may be a `+` that was
    decoded, but such are rare in base64: words with blanks between them are none. Nor is what has no capitals or no
    small letters (numbers, digests)."""
    if not MIN_BASE64 <= len(value) <= MAX_BASE64 or value.count(" ") * 12 > len(value):
        return ""
    if value == value.lower() or value == value.upper() or not _BASE64.fullmatch(value):
        return ""
    bare = value.rstrip("=").translate(_PLAIN_ALPHABET)
    if len(bare) % 4 == 1 or len(bare) < MIN_BASE64:
        return ""
    data = _shortest(base64.b64decode(bare + "=" * (-len(bare) % 4)))
    try:
        text, odd = data.decode(), _CONTROLS
    except UnicodeDecodeError:
        text, odd = data.decode("utf-8", "replace"), _UNREADABLE
    return text if len(data) - len(data.translate(None, odd)) <= len(data) // 16 else ""


def unescaped(text: str) -> str:
    """A text without percent escapes (RFC 3986, 2.1), those of IIS (%u0027) and over-long UTF-8 (%c0%af) included."""
    if "%" not in text and text.isascii():
        return text
    if "%u" in text or "%U" in text:
        text = _WIDE.sub(_character, text)
    return _shortest(_PERCENT.sub(_byte, text.encode("utf-8", "replace"))).decode("utf-8", "replace")


def _byte(match: re.Match[bytes]) -> bytes:
    return _BYTES[match.group()]


def _character(match: re.Match[str]) -> str:
    number = int(match.group(1), 16)
    return chr(number) if not 0xD800 <= number < 0xE000 else "\ufffd"


def _shortest(data: bytes) -> bytes:
    """Bytes in which no ASCII character is written as two to six bytes, which lenient decoders take."""
    if b"\x80" not in data and b"\x81" not in data and b"\xc0" not in data and b"\xc1" not in data:
        return data
    return _LONG.sub(_short, data)


def _short(match: re.Match[bytes]) -> bytes:
    *_, before, last = match.group()
    return bytes([(before & 1) << 6 | last & 0x3F])
