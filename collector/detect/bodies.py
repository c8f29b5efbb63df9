"""Values out of request bodies: forms, JSON, multipart. Nothing here raises on what a body holds.

Sources: RFC 7578 (multipart/form-data), RFC 8259 (JSON), WHATWG URL (urlencoded).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec import Struct

from collector.detect.encodings import unescaped
from collector.detect.entities import unescape

MAX_PAIRS = 3072
MAX_VALUES = 4096
_HOLDERS = (str, dict, list)
MAX_DEPTH = 20
MAX_ITEMS = 256
MAX_PARTS = 256
MAX_PART_HEADERS = 4096
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_DISPOSITION = re.compile(r"^content-disposition:(.*)$", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(r';\s*(name|filename|filename\*)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE | re.DOTALL)
_KEY_MARKS = str.maketrans("", "", "[]-.")
_XML_VALUE = re.compile(
    r"""=\s*"([^"<]*)"|=\s*'([^'<]*)'|>([^<>]+)<|<!\[CDATA\[(.*?)(?:\]\]>|$)"""
    r"""|\b(?:SYSTEM|PUBLIC\s+(?:"[^"<]*"|'[^'<]*'))\s+(?:"([^"<]*)"|'([^'<]*)')""",
    re.DOTALL,
)
_STRING = re.compile(r'''"""(.*?)(?:"""|$)|"((?:[^"\\\n]|\\.)*)''', re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_UNQUOTED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_JOINED = re.compile(r"&&|&#[0-9x]|&[A-Za-z]{2,8};")


class Value(Struct, frozen=True, gc=False):
    """A value, its key path, and whether it is the name of a file."""

    key: str
    text: str
    is_file_name: bool = False


class Cuts:
    """What was left out of one request, by kind."""

    def __init__(self) -> None:
        self.kinds = set[str]()

    def text(self, kind: str, text: str, limit: int) -> str:
        """At most `limit` characters of a text."""
        if len(text) <= limit:
            return text
        self.kinds.add(kind)
        return text[:limit]


class Part(NamedTuple):
    """A part of a multipart body; `file_name` is None for a plain field."""

    name: str
    file_name: str | None
    content: str
    headers: tuple[str, ...]


def pairs(text: str) -> Iterator[Value]:
    """Keys and values of a query string or form; both `&` and, where there is none, `;` separate. What comes after
    MAX_PAIRS is one value without a key. Where the key is no plain name the whole pair is a value as well, and the
    whole text where its `&` may be no separator: a shell's `&&`, an entity of HTML."""
    if "&&" in text or "&#" in text or ";" in text or "%3b" in text.lower():
        whole = _plain(text)
        if _JOINED.search(whole):
            yield Value("", whole)
    parts = text.split("&", MAX_PAIRS)
    for part in parts[:MAX_PAIRS]:
        key, equals, value = part.partition("=")
        if not equals:
            key, value = "", key
        key = _plain(key)
        if value:
            yield Value(key, _plain(value))
        if _odd_name(key):
            yield Value("", _plain(part))
    if len(parts) > MAX_PAIRS:
        yield Value("", _plain(parts[-1]))


def json(text: str, cuts: Cuts | None = None) -> list[Value] | None:
    """The strings of a JSON text with their key paths, or None where it is not JSON."""
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    found: list[Value] = []
    _walk("", value, 0, found, (cuts or Cuts()).kinds)
    return found


def multipart(text: str, content_type: str, cuts: Cuts | None = None) -> Iterator[Value]:
    """Fields and file names, also of a body that was cut off. A file's content is no input."""
    for part in parts(text, content_type, cuts):
        if _odd_name(part.name):
            yield Value("", part.name)
        if part.file_name:
            yield Value(part.name, part.file_name, True)
        elif part.content:
            yield Value(part.name, part.content)


def parts(text: str, content_type: str, cuts: Cuts | None = None) -> Iterator[Part]:
    """The parts of a multipart body."""
    cuts = cuts or Cuts()
    match = _BOUNDARY.search(content_type)
    if match is None:
        return
    boundary = match.group(1) or match.group(2)
    split = text.split("--" + boundary, MAX_PARTS)
    if len(split) > MAX_PARTS:
        cuts.kinds.add("parts")
    for part in split[1:]:
        head, _, content = part.replace("\r\n", "\n").partition("\n\n")
        if not head.strip("-\n"):
            continue
        head = cuts.text("part_headers", head, MAX_PART_HEADERS)
        found = _DISPOSITION.search(head)
        names = dict(_names(found.group(1))) if found else {}
        file_name = names.get("filename", names.get("filename*"))
        lines = tuple(line.strip() for line in head.split("\n") if line.strip())
        yield Part(names.get("name", ""), file_name, content.removesuffix("\n"), lines)


def xml(text: str, cuts: Cuts | None = None) -> Iterator[Value]:
    """Attribute values and texts of an XML document, and where its entities are; nothing is expanded or fetched."""
    for number, match in enumerate(_XML_VALUE.finditer(text)):
        if number == MAX_PAIRS:
            (cuts or Cuts()).kinds.add("values")
            return
        value = next((group for group in match.groups() if group), "").strip()
        if len(value) > 1:
            yield Value("", unescape(value))


def strings(text: str) -> Iterator[Value]:
    """The strings of a document of GraphQL. (https://spec.graphql.org/October2021/#sec-String-Value)"""
    for match in islice(_STRING.finditer(text), MAX_PAIRS):
        block, line = match.groups()
        if block or line:
            yield Value("", block or _UNQUOTED.sub(_unquoted, line))


def _unquoted(match: re.Match[str]) -> str:
    number, letter = match.groups()
    return chr(int(number, 16)) if number else _LETTERS.get(letter, letter)


def _names(disposition: str) -> Iterator[tuple[str, str]]:
    for name, value in _PARAMETER.findall(disposition):
        name = name.lower()
        if value.startswith('"'):
            value = value[1:-1].replace('\\"', '"')
        yield name, unescaped(value.rpartition("''")[2]) if name.endswith("*") else value


def _odd_name(name: str) -> bool:
    """Whether a key is no plain name, so that it may itself be meant to do something."""
    if name.isalnum() or len(name) < 3:
        return False
    return name.startswith("__") or not name.translate(_KEY_MARKS).isidentifier()


def _plain(text: str) -> str:
    text = text.replace("+", " ")
    return unescaped(text) if "%" in text else text


def _walk(key: str, value: object, depth: int, found: list[Value], cut: set[str]) -> None:
    """The strings of a decoded JSON value: of a list under `key[0]`, of an object under `key.name`."""
    if isinstance(value, str):
        found.append(Value(key, value))
        return
    if depth == MAX_DEPTH:
        cut.add("depth")
        return
    if isinstance(value, _HOLDERS) and len(value) > MAX_ITEMS:
        cut.add("items")
    named = isinstance(value, dict)
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in islice(inner, MAX_ITEMS):
        if len(found) >= MAX_VALUES:
            cut.add("values")
            return
        if named and _odd_name(name):
            found.append(Value(key, name))
        if isinstance(item, _HOLDERS):
            path = f"{key}[{name}]" if not named else f"{key}.{name[:128]}" if key else name[:128]
            if isinstance(item, str):
                found.append(Value(path, item))
            else:
                _walk(path, item, depth + 1, found, cut)
