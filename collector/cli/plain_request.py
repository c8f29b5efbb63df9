"""Requests given as plain text: a curl command, a HAR file. They become the record that an agent would send."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from collector.wire.agent import PeerRecord, RequestRecord

FORM = "application/x-www-form-urlencoded"
MAX_BODY = 524288
_IGNORED = frozenset(  # options that take a value and do not change what is sent
    (
        "-o", "--output", "-m", "--max-time", "--connect-timeout", "-x", "--proxy", "-w", "--write-out", "--retry",
        "-c", "--cookie-jar", "-E", "--cert", "--cacert", "--key", "--resolve", "--interface", "--limit-rate",
    )
)  # fmt: skip
_HEADER_OPTIONS = {
    "-A": "user-agent", "--user-agent": "user-agent", "-e": "referer", "--referer": "referer",
    "-b": "cookie", "--cookie": "cookie", "-r": "range", "--range": "range",
}  # fmt: skip
_BODY_OPTIONS = frozenset(("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json"))
_FORMS = frozenset(("-F", "--form", "--form-string", "-T", "--upload-file"))


class RequestError(ValueError):
    """A text that is no request, with the reason."""


def record(
    method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes | str | None, address: str = "192.0.2.1"
) -> RequestRecord:
    """A finished request as an agent tells of it. `target`: path and query as sent."""
    raw, _, query = target.partition("?")
    pairs = [(name.lower(), value) for name, value in headers]
    text, encoding = _body(body)
    return RequestRecord(
        request_id="1f2e3d4c5b6a7988", phase="end", method=method[:256] or "GET", target=target,
        path=unquote_to_bytes(raw).decode("utf-8", "replace"), query=query, headers=pairs,
        host=next((value for name, value in pairs if name == "host"), ""), body=text[:MAX_BODY],
        body_encoding=encoding, body_size=len(text), body_truncated=len(text) > MAX_BODY,  # type: ignore[arg-type]
        peer=PeerRecord(address, 40000),
    )  # fmt: skip


def from_curl(command: str) -> RequestRecord:
    """The request that a curl command would send; raises RequestError."""
    try:
        words = shlex.split(command.replace("\\\n", " "))
    except ValueError as error:
        raise RequestError(f"the command cannot be split into words: {error}") from None
    if not words or words.pop(0).rpartition("/")[2] != "curl":
        raise RequestError("the command must begin with curl")
    return _Curl(iter(words)).record()


def from_har(text: str) -> list[RequestRecord]:
    """The requests of an HTTP archive (HAR 1.2); raises RequestError."""
    try:
        entries = json.loads(text)["log"]["entries"]
        return [_har_request(entry["request"]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RequestError(f"this is no HTTP archive: {type(error).__name__}: {error}") from None


class _Curl:
    """The options of one command, taken one by one."""

    def __init__(self, words: Iterator[str]) -> None:
        self._words = words
        self._url, self._method = "", ""
        self._headers: list[tuple[str, str]] = []
        self._data: list[str] = []
        self._get = False
        for word in words:
            self._take(word)

    def record(self) -> RequestRecord:
        if not self._url:
            raise RequestError("the command names no URL")
        url = urlsplit(self._url if "://" in self._url else "http://" + self._url)
        data = "&".join(self._data)
        target = (url.path or "/") + ("?" + url.query if url.query else "")
        if self._get and data:
            target += ("&" if "?" in target else "?") + data
        body = data if self._data and not self._get else None
        headers = [("host", url.netloc.rpartition("@")[2]), ("user-agent", "curl/8.5.0"), ("accept", "*/*")]
        if body is not None:
            headers += [("content-type", FORM), ("content-length", str(len(body.encode("utf-8", "replace"))))]
        given = {name.lower() for name, _ in self._headers}
        headers = [pair for pair in headers if pair[0] not in given] + self._headers
        return record(self._method or ("GET" if body is None else "POST"), target, headers, body)

    def _take(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            self._url = self._url or word
        elif word.startswith("--"):
            self._option(name, value if equals else None)
        else:
            self._option(word[:2], word[2:] or None)

    def _option(self, name: str, value: str | None) -> None:
        if name in _FORMS:
            raise RequestError(f"{name} is not understood here: save the request as a HAR file")
        if name in _BODY_OPTIONS:
            self._body(name, self._value(name, value))
        elif name in _HEADER_OPTIONS:
            self._headers.append((_HEADER_OPTIONS[name], self._value(name, value)))
        elif name in _IGNORED:
            self._value(name, value)
        else:
            self._about_request(name, value)

    def _about_request(self, name: str, value: str | None) -> None:
        if name in ("-X", "--request"):
            self._method = self._value(name, value)
        elif name in ("-H", "--header"):
            key, _, text = self._value(name, value).partition(":")
            self._headers.append((key.strip(), text.strip()))
        elif name in ("-G", "--get"):
            self._get = True
        elif name in ("-I", "--head"):
            self._method = "HEAD"
        elif name == "--url":
            self._url = self._value(name, value)

    def _body(self, name: str, value: str) -> None:
        if name != "--data-raw" and value.startswith("@"):
            raise RequestError("a body from a file is not read: give the text itself")
        if name == "--data-urlencode":
            key, equals, text = value.partition("=")
            value = (f"{key}=" if equals and key else "") + quote(text if equals else value, safe="")
        if name == "--json":
            self._headers.append(("content-type", "application/json"))
        self._data.append(value)

    def _value(self, name: str, value: str | None) -> str:
        if value is None:
            value = next(self._words, None)
        if value is None:
            raise RequestError(f"{name} needs a value")
        return value


def _har_request(request: dict[str, Any]) -> RequestRecord:
    url = urlsplit(str(request["url"]))
    headers = [(str(h["name"]), str(h["value"])) for h in request.get("headers", ()) if not h["name"].startswith(":")]
    target = (url.path or "/") + ("?" + url.query if url.query else "")
    if not any(name.lower() == "host" for name, _ in headers):
        headers.append(("host", url.netloc))
    body = request.get("postData", {}).get("text")
    return record(str(request["method"]), target, headers, None if body is None else str(body))


def _body(body: bytes | str | None) -> tuple[str, str]:
    if isinstance(body, bytes):
        try:
            return body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            return body.decode("latin-1"), "latin-1"
    return body or "", "utf-8"
