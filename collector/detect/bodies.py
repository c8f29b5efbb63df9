"""Values out of request bodies: forms, JSON, multipart. Nothing here raises on what a body holds.

Sources: RFC 7578 (multipart/form-data), RFC 8259 (JSON), WHATWG URL (urlencoded).
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

import msgspec

MAX_PAIRS = 3072
MAX_DEPTH = 20
MAX_ITEMS = 256
MAX_PARTS = 256
MAX_PART_HEADERS = 4096
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_DISPOSITION = re.compile(r"^content-disposition:(.*)$", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(r';\s*(name|filename|filename\*)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE | re.DOTALL)
_KEY_MARKS = str.maketrans("", "", "[]-.")
_XML_VALUE = re.compile(r"""=\s*"([^"<]*)"|=\s*'([^'<]*)'|>([^<>]+)<|<!\[CDATA\[(.*?)(?:\]\]>|$)""", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_ -]{6,}={0,2}")
MAX_BASE64 = 16384


class Value(NamedTuple):
    """A value, its key path, and whether it is the name of a file."""

    key: str
    text: str
    is_file_name: bool = False


class Part(NamedTuple):
    """A part of a multipart body; `file_name` is None for a plain field."""

    name: str
    file_name: str | None
    content: str
    headers: tuple[str, ...]


def pairs(text: str) -> Iterator[Value]:
    """Keys and values of a query string or form; both `&` and, where there is none, `;` separate. What comes after
    MAX_PAIRS is one value without a key. Where the key is no plain name the whole pair is a value as well."""
    parts = text.split("&", MAX_PAIRS)
    for part in parts[:MAX_PAIRS]:
        key, equals, value = part.partition("=")
        if not equals:
            key, value = "", key
        key = _plain(key)
        if value:
            yield Value(key, _plain(value))
        if len(key) > 2 and (key.startswith("__") or not key.translate(_KEY_MARKS).isidentifier()):
            yield Value("", _plain(part))
    if len(parts) > MAX_PAIRS:
        yield Value("", _plain(parts[-1]))


def json(text: str) -> Iterator[Value] | None:
    """The strings of a JSON text with their key paths, or None where it is not JSON."""
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return _walk("", value, 0)


def multipart(text: str, content_type: str) -> Iterator[Value]:
    """Fields and file names, also of a body that was cut off. A file's content is no input."""
    for part in parts(text, content_type):
        if part.file_name:
            yield Value(part.name, part.file_name, True)
        elif part.content:
            yield Value(part.name, part.content)


def parts(text: str, content_type: str) -> Iterator[Part]:
    """The parts of a multipart body."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        return
    boundary = match.group(1) or match.group(2)
    for part in text.split("--" + boundary, MAX_PARTS)[1:]:
        head, _, content = part.replace("\r\n", "\n").partition("\n\n")
        if not head.strip("-\n"):
            continue
        head = head[:MAX_PART_HEADERS]
        found = _DISPOSITION.search(head)
        names = dict(_names(found.group(1))) if found else {}
        file_name = names.get("filename", names.get("filename*"))
        lines = tuple(line.strip() for line in head.split("\n") if line.strip())
        yield Part(names.get("name", ""), file_name, content.removesuffix("\n"), lines)


def xml(text: str) -> Iterator[Value]:
    """Attribute values and texts of an XML document; nothing is expanded or fetched."""
    for match, _ in zip(_XML_VALUE.finditer(text), range(MAX_PAIRS), strict=False):
        value = next((group for group in match.groups() if group), "").strip()
        if len(value) > 1:
            yield Value("", html.unescape(value))


def base64_text(value: str) -> str:
    """The text in a value that is base64 of readable text; empty where it is not."""
    if len(value) > MAX_BASE64 or not _BASE64.fullmatch(value):
        return ""
    bare = value.rstrip("=").replace("-", "+").replace("_", "/").replace(" ", "+")
    if len(bare) % 4 == 1 or len(bare) < 6:
        return ""
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return ""
    text = data.decode("utf-8", "replace")
    odd = sum(not (c.isprintable() or c in "\t\r\n") or c == "\ufffd" for c in text)
    return text if odd <= len(text) // 16 and len(text) > 3 else ""


def _names(disposition: str) -> Iterator[tuple[str, str]]:
    for name, value in _PARAMETER.findall(disposition):
        name = name.lower()
        if value.startswith('"'):
            value = value[1:-1].replace('\\"', '"')
        yield name, unquote_plus(value.rpartition("''")[2]) if name.endswith("*") else value


def _plain(text: str) -> str:
    return unquote_plus(text) if "%" in text else text.replace("+", " ")


def _walk(key: str, value: object, depth: int) -> Iterator[Value]:
    if isinstance(value, str):
        yield Value(key, value)
    elif depth < MAX_DEPTH and isinstance(value, dict):
        for name, item in list(value.items())[:MAX_ITEMS]:
            if len(name) > 2 and (not name.isidentifier() or name.startswith("__")):
                yield Value(key, name)
            yield from _walk(f"{key}.{name[:128]}" if key else name[:128], item, depth + 1)
    elif depth < MAX_DEPTH and isinstance(value, list):
        for index, item in enumerate(value[:MAX_ITEMS]):
            yield from _walk(f"{key}[{index}]", item, depth + 1)
