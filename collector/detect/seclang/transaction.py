"""A request as the language sees it: collections of (key, value), texts of one character a byte.

Nothing here raises on what a request holds. Bounded: MAX_ARGS arguments, MAX_LENGTH characters of each text; what was
cut is counted in `truncated`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from collector.detect import bodies
from collector.detect.entities import unescape
from collector.detect.seclang.transformations import url_decode
from collector.wire.agent import RequestRecord

MAX_ARGS = 1024
MAX_LENGTH = 131072
MAX_NODES = 4096
MAX_DEPTH = 64

Pairs = list[tuple[str, str]]
_XML = re.compile(r"^(?:application(?:/soap\+|/)|text/)xml", re.IGNORECASE)
_JSON = re.compile(r"^application/(?:[\w.+-]*\+)?json", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_ATTRIBUTE = re.compile(r"""[\w:.-]+\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ZERO: Pairs = [("", "0")]
_EMPTY: Pairs = [("", "")]


def octets(text: str) -> str:
    """A text as one character a byte of its UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


class Transaction:
    """The collections of one request, by the names of the language."""

    def __init__(self, record: RequestRecord) -> None:
        self.truncated = 0
        target = octets(record.target or record.path + ("?" + record.query if record.query else ""))
        path, _, query = target.partition("?")
        headers = [(name.lower(), self._cut(octets(value))) for name, value in record.headers]
        body = self._cut(record.body if record.body_encoding == "latin-1" else octets(record.body))
        filename = path if not path.startswith("http") else "/" + path.partition("://")[2].partition("/")[2]
        filename = _percent_decoded(filename)
        uri, protocol = [("", target)], "HTTP/" + record.protocol_version
        self.collections: dict[str, Pairs] = {
            "REQUEST_URI": uri, "REQUEST_URI_RAW": uri, "REQUEST_FILENAME": [("", filename)],
            "REQUEST_BASENAME": [("", filename[max(filename.rfind("/"), filename.rfind("\\")) + 1 :])],
            "QUERY_STRING": [("", query)], "REQUEST_METHOD": [("", record.method)],
            "REQUEST_PROTOCOL": [("", protocol)], "REQUEST_LINE": [("", f"{record.method} {target} {protocol}")],
            "REQUEST_BODY": [("", body)], "REQUEST_BODY_LENGTH": [("", str(record.body_size or len(body)))],
            "REMOTE_ADDR": [("", record.peer.address)], "UNIQUE_ID": [("", record.request_id)], "DURATION": _ZERO,
            "REQBODY_ERROR": _ZERO, "MULTIPART_STRICT_ERROR": _ZERO, "MULTIPART_UNMATCHED_BOUNDARY": _ZERO,
            "REQBODY_PROCESSOR": _EMPTY, "REQUEST_HEADERS": headers, "REQUEST_HEADERS_NAMES": _names(headers),
        }  # fmt: skip
        self.headers: dict[str, Pairs] = {}
        for pair in headers:
            self.headers.setdefault(pair[0], []).append(pair)
        self._cookies(self.headers.get("cookie", ()))
        get = self._form(query) if query else []
        kind = self.headers.get("content-type")
        self._arguments(get, self._body(body, kind[0][1]) if kind else [])

    def _cut(self, text: str) -> str:
        if len(text) > MAX_LENGTH:
            self.truncated += 1
            return text[:MAX_LENGTH]
        return text

    def _arguments(self, get: Pairs, post: Pairs) -> None:
        everything, names, names_post = get + post, _names(get), _names(post)
        size = sum([len(name) + len(value) for name, value in everything])
        self.collections |= {
            "ARGS": everything, "ARGS_NAMES": names + names_post, "ARGS_GET": get, "ARGS_GET_NAMES": names,
            "ARGS_POST": post, "ARGS_POST_NAMES": names_post, "ARGS_COMBINED_SIZE": [("", str(size))],
        }  # fmt: skip

    def _cookies(self, headers: Iterable[tuple[str, str]]) -> None:
        pairs = []
        for _, value in headers:
            for part in value.split(";")[:MAX_ARGS]:
                key, _, text = part.partition("=")
                if key := key.strip():
                    pairs.append((key, text))
        self.collections["REQUEST_COOKIES"] = pairs
        self.collections["REQUEST_COOKIES_NAMES"] = _names(pairs)

    def _form(self, text: str) -> Pairs:
        parts = text.split("&", MAX_ARGS)
        if len(parts) > MAX_ARGS:
            self.truncated += 1
            parts.pop()
        pairs = [part.partition("=") for part in parts if part]
        if "%" in text or "+" in text:
            return [(url_decode(key), url_decode(value)) for key, _, value in pairs]
        return [(key, value) for key, _, value in pairs]

    def _body(self, body: str, content_type: str) -> Pairs:
        """By content type; only what no processor takes apart stands as REQUEST_BODY, forms excepted."""
        kind = content_type.lower()
        if kind.startswith("application/x-www-form-urlencoded"):
            self._processor("URLENCODED")
            return self._form(body) if body else []
        if kind.startswith("multipart/form-data"):
            self._processor("MULTIPART")
            return self._multipart(body, content_type) if body else []
        if _JSON.match(content_type):
            self._processor("JSON")
            return self._json(body) if body else []
        if _XML.match(content_type):
            self._processor("XML")
            self._xml(body)
        return []

    def _processor(self, name: str) -> None:
        self.collections["REQBODY_PROCESSOR"] = [("", name)]
        if name != "URLENCODED":
            self.collections["REQUEST_BODY"] = []

    def _json(self, body: str) -> Pairs:
        try:
            value = msgspec.json.decode(body.encode("latin-1"))
        except (msgspec.DecodeError, RecursionError, ValueError):
            self.collections["REQBODY_ERROR"] = [("", "1")]
            return []
        pairs: Pairs = []
        for pair in _flat("json", value, 0):
            if len(pairs) >= MAX_ARGS:
                self.truncated += 1
                break
            pairs.append(pair)
        return pairs

    def _multipart(self, body: str, content_type: str) -> Pairs:
        pairs: Pairs = []
        files: Pairs = []
        headers: Pairs = []
        size = 0
        for part in bodies.parts(body, content_type):
            headers += [(part.name, line) for line in part.headers]
            if part.file_name is None:
                pairs.append((part.name, self._cut(part.content)))
            else:
                files.append((part.name, part.file_name))
                size += len(part.content)
        self.collections["FILES"] = files
        self.collections["FILES_NAMES"] = [("", name) for name, _ in files]
        self.collections["FILES_COMBINED_SIZE"] = [("", str(size))]
        self.collections["MULTIPART_PART_HEADERS"] = headers
        return pairs[:MAX_ARGS]

    def _xml(self, body: str) -> None:
        plain = _CDATA.sub("", body)
        texts = [text.strip() for text in _TAG.split(plain)[:MAX_NODES]]
        self.collections["XML"] = [("/*", _entities(" ".join(text for text in texts if text)))]
        values = (a or b for a, b in _ATTRIBUTE.findall(body)[:MAX_NODES])
        self.collections["XML@"] = [("//@*", _entities(value)) for value in values]


def _names(pairs: Pairs) -> Pairs:
    return [(name, name) for name, _ in pairs]


def _flat(key: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for name, item in value.items():
            yield from _flat(f"{key}.{octets(str(name))}", item, depth + 1)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        for index, item in enumerate(value):
            yield from _flat(f"{key}.array_{index}", item, depth + 1)
    elif isinstance(value, str):
        yield key, octets(value)
    elif isinstance(value, bool) or value is None:
        yield key, {True: "true", False: "false", None: ""}[value]
    elif isinstance(value, int | float):
        yield key, str(value)


def _entities(text: str) -> str:
    return octets(unescape(text))


def _percent_decoded(text: str) -> str:
    return url_decode(text.replace("+", "%2b")) if "%" in text else text
