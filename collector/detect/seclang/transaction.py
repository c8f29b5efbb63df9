"""A request as the language sees it: collections of (key, value), texts of one character a byte.

Nothing here raises on what a request holds. Bounded: MAX_ARGS arguments, MAX_LENGTH characters of each text; what was
cut is counted in `truncated`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import msgspec

from collector.detect import bodies
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
        content_type = next((value for name, value in headers if name == "content-type"), "")
        filename = path if not path.startswith("http") else "/" + path.partition("://")[2].partition("/")[2]
        filename = _percent_decoded(filename)
        one = {
            "REQUEST_URI": target, "REQUEST_URI_RAW": target, "REQUEST_FILENAME": filename,
            "REQUEST_BASENAME": filename[max(filename.rfind("/"), filename.rfind("\\")) + 1 :],
            "QUERY_STRING": query, "REQUEST_METHOD": record.method, "REQUEST_PROTOCOL": "HTTP/1.1",
            "REQUEST_LINE": f"{record.method} {target} HTTP/1.1", "REQUEST_BODY": body,
            "REQUEST_BODY_LENGTH": str(record.body_size or len(body)), "REMOTE_ADDR": record.peer.address,
            "UNIQUE_ID": record.request_id, "DURATION": "0", "REQBODY_ERROR": "0", "MULTIPART_STRICT_ERROR": "0",
            "MULTIPART_UNMATCHED_BOUNDARY": "0", "REQBODY_PROCESSOR": "",
        }  # fmt: skip
        self.collections: dict[str, Pairs] = {name: [("", value)] for name, value in one.items()}
        self.collections["REQUEST_HEADERS"] = headers
        self.headers: dict[str, Pairs] = {}
        for pair in headers:
            self.headers.setdefault(pair[0], []).append(pair)
        self.collections["REQUEST_HEADERS_NAMES"] = [(name, name) for name, _ in headers]
        self._cookies(headers)
        get = self._form(query) if query else []
        post = self._body(body, content_type)
        self._arguments(get, post)

    def _cut(self, text: str) -> str:
        if len(text) > MAX_LENGTH:
            self.truncated += 1
            return text[:MAX_LENGTH]
        return text

    def _arguments(self, get: Pairs, post: Pairs) -> None:
        everything = get + post
        for suffix, pairs in (("", everything), ("_GET", get), ("_POST", post)):
            self.collections["ARGS" + suffix] = pairs
            self.collections[f"ARGS{suffix}_NAMES"] = [(name, name) for name, _ in pairs]
        size = sum(len(name) + len(value) for name, value in everything)
        self.collections["ARGS_COMBINED_SIZE"] = [("", str(size))]

    def _cookies(self, headers: Pairs) -> None:
        pairs = []
        for name, value in headers:
            if name == "cookie":
                for part in value.split(";")[:MAX_ARGS]:
                    key, _, text = part.partition("=")
                    if key.strip():
                        pairs.append((key.strip(), text))
        self.collections["REQUEST_COOKIES"] = pairs
        self.collections["REQUEST_COOKIES_NAMES"] = [(name, name) for name, _ in pairs]

    def _form(self, text: str) -> Pairs:
        pairs = []
        parts = text.split("&", MAX_ARGS)
        if len(parts) > MAX_ARGS:
            self.truncated += 1
            parts.pop()
        for part in parts:
            key, _, value = part.partition("=")
            if part:
                pairs.append((url_decode(key), url_decode(value)))
        return pairs

    def _body(self, body: str, content_type: str) -> Pairs:
        """By content type; only what no processor takes apart stands as REQUEST_BODY, forms excepted."""
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            self._processor("URLENCODED")
            return self._form(body) if body else []
        if content_type.lower().startswith("multipart/form-data"):
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
        for part in bodies.parts(body, content_type):
            headers += [(part.name, line) for line in part.headers]
            if part.file_name is None:
                pairs.append((part.name, self._cut(part.content)))
            else:
                files.append((part.name, part.file_name))
        self.collections["FILES"] = files
        self.collections["FILES_NAMES"] = [("", name) for name, _ in files]
        self.collections["MULTIPART_PART_HEADERS"] = headers
        return pairs[:MAX_ARGS]

    def _xml(self, body: str) -> None:
        plain = _CDATA.sub("", body)
        texts = [text.strip() for text in _TAG.split(plain)[:MAX_NODES]]
        self.collections["XML"] = [("/*", _entities(" ".join(text for text in texts if text)))]
        values = (a or b for a, b in _ATTRIBUTE.findall(body)[:MAX_NODES])
        self.collections["XML@"] = [("//@*", _entities(value)) for value in values]


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
    return octets(html.unescape(text)) if "&" in text else text


def _percent_decoded(text: str) -> str:
    return url_decode(text.replace("+", "%2b")) if "%" in text else text
