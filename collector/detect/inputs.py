"""The inputs of a request, flat and decoded: where each stands, under which key path, and its value.

Bodies that do not parse have no inputs and raise nothing. Bounded: MAX_INPUTS inputs, MAX_TOTAL characters together;
what does not fit is not looked at, and counted by kind. (spec: protection, "What is inspected")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from unicodedata import normalize

from msgspec import Struct, structs

from collector.detect import bodies, encodings
from collector.detect.bodies import Cuts, Value
from collector.detect.redact import MAX_REPEATED, REPEATED
from collector.wire.agent import RequestRecord

MAX_INPUTS = 4096
MAX_LENGTH = 163840
"""Characters of a place of the request (query, body, a header) and of one value: more than agents send of a body."""

MAX_TOTAL = 1 << 19
MAX_KEY = 256
MAX_COOKIES = 256
MAX_SEGMENTS = 64
MAX_LAYERS = 4
"""Encodings within each other that are taken off, the value as it came included."""

NORMALIZED = 4096
"""Characters that are brought into a compatibility form at a time."""

MAX_VARIANTS = 512
MIN_ENCODED = 8
"""Characters of a part of the path, or of letters and digits alone, that may be base64."""

MAX_REMEMBERED = 2048
"""Headers whose inputs are remembered."""

_ADDRESS = re.compile(r"(?:https?:/)?/[^\s?]*\?\S*=", re.IGNORECASE)
_FORM = re.compile(r"[\w.%\[\]-]{1,64}=")
_GRAPHQL = re.compile(r"\s*(?:(?:query|mutation|subscription|fragment)\b[^{}\"]{0,256})?\{\s*\w")
_NAME_MARKS = str.maketrans("", "", "-._")
_NO_TOKEN = re.compile(r"[^\w!#$%&'*+.^`|~-]", re.ASCII)
_ESCAPED = re.compile(r"\\([\"'{}()\[\]$/])")
_SLASHES = str.maketrans(
    {"\u2044": "/", "\u2215": "/", "\u29f8": "/", "\uf025": "/", "\uefc8": "/", "\u2216": "\\", "\u29f5": "\\"}
)
_UNSEEN = re.compile(
    "[\\u00ad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufe00-\\ufe0f\\ufeff\\ufffd]"
)

_NOT_INSPECTED = frozenset(
    ("host", "connection", "content-length", "content-type", "accept-encoding", "cookie", "authorization", "date",
     "if-modified-since", "if-none-match", "upgrade-insecure-requests", "cache-control", "pragma", "dnt", "te",
     "proxy-authorization", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-ch-ua",
     "sec-ch-ua-mobile", "sec-ch-ua-platform")
)  # fmt: skip


class Input(Struct, frozen=True, gc=False):
    """One value. `location`: query, body, path, header, cookie, path_params, file_name; of answers: status,
    response_header."""

    location: str
    parameter: str
    value: str


def inputs_of(record: RequestRecord, cuts: Cuts | None = None) -> list[Input]:
    """All inputs of a request, without empty ones and repetitions. `cuts` learns what was left out."""
    cuts = Cuts() if cuts is None else cuts
    found: dict[Input, Input] = {}
    total = 0
    for item in _all(record, cuts):
        if item.value and found.setdefault(item, item) is item:
            total += len(item.value)
            if len(found) > MAX_INPUTS or total > MAX_TOTAL:
                cuts.kinds.add("inputs" if len(found) > MAX_INPUTS else "total")
                del found[item]
                break
    return list(found)


def outputs_of(record: RequestRecord) -> list[Input]:
    """What rules may see of the app's answer, refused or not: its status and headers."""
    answer = record.blocked if record.blocked and record.blocked.status else record
    headers = (Input("response_header", name, value[:MAX_LENGTH]) for name, value in answer.response_headers if value)
    return [Input("status", "", str(answer.status)), *headers]


def _all(record: RequestRecord, cuts: Cuts) -> Iterator[Input]:
    """The likeliest places first: what does not fit is left out from the end."""
    if record.body_truncated:
        cuts.kinds.add("body_by_agent")
    yield from _path(record, cuts)
    for key, value in record.path_params.items():
        yield from _decoded("path_params", key, value)
    if record.query:
        yield from _pairs("query", cuts.text("query", record.query, MAX_LENGTH))
    content_type = ""
    for name, value in record.headers:
        if name == "content-type":
            content_type = value
        elif name == "cookie":
            yield from _cookies(cuts.text("header", value, MAX_LENGTH), cuts)
        elif name not in _NOT_INSPECTED:
            value = cuts.text("header", value, MAX_LENGTH)
            again = name in REPEATED and len(value) <= MAX_REPEATED
            yield from _repeated(name, value) if again else _decoded("header", name, value)
    if record.body:
        body = cuts.text("body", record.body, MAX_LENGTH)
        yield from _body(record if body is record.body else _shorter(record, body), content_type, cuts)


def _shorter(record: RequestRecord, body: str) -> RequestRecord:
    return structs.replace(record, body=body, body_truncated=True)


@lru_cache(MAX_REMEMBERED)
def _repeated(name: str, value: str) -> tuple[Input, ...]:
    return tuple(_decoded("header", name, value))


def _path(record: RequestRecord, cuts: Cuts) -> Iterator[Input]:
    """The path as sent, where the server tells (it still holds what a normalising server took out), and as the app
    has it; and the parts that are no plain names."""
    raw = cuts.text("path", record.target.partition("?")[0], MAX_LENGTH)
    if raw != record.path and raw.startswith("/"):
        yield from _decoded("path", "", encodings.unescaped(raw))
    if record.path:
        yield from _decoded("path", "", record.path)
    segments = cuts.text("path", record.path, MAX_LENGTH).split("/", MAX_SEGMENTS)
    if len(segments) > MAX_SEGMENTS:
        cuts.kinds.add("segments")
    for segment in segments[:MAX_SEGMENTS]:
        if (len(segment) > 2 and not segment.translate(_NAME_MARKS).isalnum()) or (
            len(segment) >= MIN_ENCODED and encodings.base64_text(segment)
        ):
            yield from _decoded("path_params", "", segment)


def _pairs(location: str, text: str) -> Iterator[Input]:
    for value in bodies.pairs(text):
        yield from _decoded(location, value.key, value.text)


def _decoded(location: str, key: str, value: str) -> Iterable[Input]:
    """A value, and what it holds in other encodings: percent escapes, base64, JSON, pairs in base64, quotes behind
    backslashes, characters that are not seen or only look like others. Everything at most MAX_LAYERS deep."""
    value, key = value[:MAX_LENGTH], key[:MAX_KEY]
    if inside := _inside(key, value, 0):
        return _layers(location, key, value, inside)
    return (Input(location, key, value),)


def _layers(location: str, key: str, value: str, layer: list[tuple[str, str]]) -> Iterator[Input]:
    yield Input(location, key, value)
    for depth in range(1, MAX_LAYERS):
        for name, text in layer:
            yield Input(location, name, text)
        if depth < MAX_LAYERS - 1:
            layer = [found for name, text in layer for found in _inside(name, text, depth)][:MAX_VARIANTS]


def _inside(key: str, value: str, depth: int) -> list[tuple[str, str]]:
    """Key and text of what a value holds, one layer down; mostly nothing."""
    found: list[tuple[str, str]] = []
    if "%" in value and (again := encodings.unescaped(value)) != value:
        found.append((key, again))
    elif (not value.isalnum() or len(value) >= MIN_ENCODED) and (text := encodings.base64_text(value)):
        found.append((key, text))
        if "=" in text:
            found += [(inner.key[:MAX_KEY], inner.text) for inner in bodies.pairs(text)]
    if "\\" in value and (bare := _ESCAPED.sub(r"\1", value)) != value:
        found.append((key, bare))
    if not value.isascii() and (plain := plain_letters(value)) != value:
        found.append((key, plain))
    if depth < 2 and ("?" in value or "{" in value or "[" in value):
        found += [(f"{key}.{one.key}"[:MAX_KEY], one.text[:MAX_LENGTH]) for one in _values(value)]
    return found


def _values(value: str) -> Iterable[Value]:
    """What stands in JSON, in the query of an address, in a document of GraphQL."""
    if value[:1] in ("{", "[") and value[-1:] in ("}", "]") and (read := bodies.json(value)):
        return read
    if "?" in value and _ADDRESS.match(value):
        return bodies.pairs(value.partition("?")[2].partition("#")[0])
    return bodies.strings(value) if '"' in value and _GRAPHQL.match(value) else ()


def plain_letters(value: str) -> str:
    """Compatibility forms as the letters they stand for (Unicode NFKC), slashes that are only like ones as slashes,
    without characters that are not seen. Some stand for eighteen: what is too long then is left out from the end."""
    value, found, length = _UNSEEN.sub("", value), list[str](), 0
    for start in range(0, len(value), NORMALIZED):
        found.append(normalize("NFKC", value[start : start + NORMALIZED]))
        length += len(found[-1])
        if length >= MAX_LENGTH:
            break
    return "".join(found)[:MAX_LENGTH].translate(_SLASHES)


def _cookies(header: str, cuts: Cuts) -> Iterator[Input]:
    """Each cookie's value; and the header as a whole where a part of it is no cookie, but goes on after a `;`."""
    parts = [pair.strip().partition("=") for pair in header.split(";", MAX_COOKIES)]
    if len(parts) > MAX_COOKIES:
        cuts.kinds.add("cookies")
    for name, _, value in parts[:MAX_COOKIES]:
        if value:
            yield from _decoded("cookie", name, encodings.unescaped(value.strip('"')))
    if any(name and (not equals or _NO_TOKEN.search(name)) for name, equals, _ in parts):
        yield from _decoded("cookie", "", encodings.unescaped(header))


def _body(record: RequestRecord, content_type: str, cuts: Cuts) -> Iterator[Input]:
    """By content type; a body that says nothing helpful of itself is JSON where it looks like it, else one text."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        yield from _pairs("body", record.body)
        return
    if kind == "multipart/form-data":
        for part in bodies.multipart(_text(record), content_type, cuts):
            yield from _decoded("file_name" if part.is_file_name else "body", part.key, part.text)
        return
    looks_like = record.body.lstrip("\ufeff \t\r\n")[:1]
    values = bodies.json(record.body.lstrip("\ufeff"), cuts) if looks_like and looks_like in '{["' else None
    if values is not None:
        for value in values:
            yield from _decoded("body", value.key, value.text)
    elif record.body_truncated or not kind.endswith("json"):
        yield from _decoded("body", "", record.body)
        if _FORM.match(record.body):
            yield from _pairs("body", record.body)
        elif looks_like == "<":
            for value in bodies.xml(record.body, cuts):
                yield from _decoded("body", "", value.text)


def _text(record: RequestRecord) -> str:
    """The body as UTF-8 text where parts of it are (a part with a binary file makes the whole latin-1)."""
    if record.body_encoding != "latin-1":
        return record.body
    return record.body.encode("latin-1", "replace").decode("utf-8", "replace")
