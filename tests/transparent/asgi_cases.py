"""Conversations with the ASGI site, as data."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from tests.transparent.talk import Blocks, End, Until, Vanish
from tests.transparent.wsgi_cases import LIMIT, Case, chunked, head, post, slow

DONE = "done"
"""The last line of every journal but the lifespan's."""

ANSWERS = (
    "plain", "empty", "chunked", "streams", "nocontent", "unmodified", "workson", "lazyheaders", "mutable", "raises",
    "raisesafter", "fails", "trails", "hints", "file", "works",
)  # fmt: skip
WRONG = ("long", "short", "twicestarted", "unfinished", "silent")
"""What the specification does not allow: what becomes of it is the server's affair, but the same."""

FAILING = ("raisesafter", "fails", *WRONG[2:])
"""After these some servers leave the client waiting."""

VARIED = ("plain", "chunked", "streams", "fails", "file")
"""Answered to HEAD and to HTTP/1.0 as well."""


def cases() -> list[Case]:
    """All of them."""
    return [*_reads(), *_answers(), *_connections(), *_uploads(), _websocket()]


def _reads() -> Iterator[Case]:
    for how in ("all", "once", "nothing"):
        yield Case(f"read-{how}", post(f"read-{how}", f"/read/{how}", b"one two three"), last=DONE)
    for size in (0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT - 1, 2 * LIMIT, 2 * LIMIT + 1):
        name = f"limit-{size}"
        body = bytes(i * 31 % 251 for i in range(size))
        yield Case(name, post(name, "/read/all", body), last=DONE, body=size)
    steps = chunked("chunks", "/read/all", b"one", b"two", b"x" * 70000, trailers=b"X-Trailer: end\r\n")
    yield Case("chunks", steps, frozenset({"chunks"}), last=DONE, body=70006)
    yield Case("slow", slow("slow", "/read/all"), last=DONE, body=11)
    past = head("past", "/read/past", "Content-Length: 5", method="POST") + b"hello"
    yield Case("past", (past, Until(b"all of it"), Vanish()), last="http.disconnect", told=False)


def _answers() -> Iterator[Case]:
    for how in (*ANSWERS, *WRONG):
        told = how not in WRONG
        needs = frozenset({"failures"}) if how in FAILING else frozenset()
        yield Case(f"GET-{how}", (head(f"GET-{how}", f"/answer/{how}"),), needs, DONE, told)
        if how in VARIED:
            yield Case(f"HEAD-{how}", (head(f"HEAD-{how}", f"/answer/{how}", method="HEAD"),), needs, DONE, False)
            steps = (head(f"old-{how}", f"/answer/{how}", version="1.0", close=False),)
            yield Case(f"old-{how}", steps, needs, DONE, told)


def _connections() -> Iterator[Case]:
    first = head("alive", "/answer/plain", close=False)
    yield Case("alive", (first, Until(b"one"), head("alive", "/answer/chunked")), last=DONE, told=False)
    body = head("pipeline", "/read/all", "Content-Length: 5", method="POST", close=False) + b"hello"
    steps = (body * 2 + head("pipeline", "/answer/plain"),)
    yield Case("pipeline", steps, frozenset({"pipelines"}), last=DONE, told=False)
    unread = head("unread", "/read/nothing", "Content-Length: 5", method="POST", close=False) + b"hello"
    yield Case("unread", (unread + head("unread", "/answer/plain"),), frozenset({"pipelines"}), last=DONE, told=False)
    expects = ("Content-Length: 5", "Expect: 100-continue")
    asks = head("continue", "/read/all", *expects, method="POST")
    yield Case("continue", (asks, Until(b"HTTP/1.1 100 "), b"hello"), frozenset({"continue"}), last=DONE)
    name = "continue-unread"
    steps = (head(name, "/read/nothing", *expects, method="POST"), Until(b"\r\n\r\n"), End())
    yield Case(name, steps, frozenset({"streams"}), last=DONE)
    told = head("tells", "/answer/tells", "Content-Length: 11", method="POST")
    steps = (told, b"hello", Until(b"saw:hello"), b" world", Until(b"saw: world"))
    yield Case("tells", steps, frozenset({"streams"}), last=DONE)
    steps = (head("vanish-download", "/answer/endless"), Until(b"xxx"), Vanish())
    yield Case("vanish-download", steps, last="http.disconnect", told=False)
    half = (head("vanish-upload", "/read/all", "Content-Length: 99", method="POST"), b"0123456789", End())
    yield Case("vanish-upload", half, frozenset({"streams", "broken off"}), last=DONE, told=False)


def _uploads() -> Iterator[Case]:
    for name, count in (("upload-1M", 16), ("upload-100M", 1600)):
        size = count * 65536
        steps = (head(name, "/answer/upload", f"Content-Length: {size}", method="POST"), Blocks(count))
        yield Case(name, steps, frozenset({"large"}) if count > 16 else frozenset(), last=DONE, body=size)
    start = head("upload-chunks", "/answer/upload", "Transfer-Encoding: chunked", method="POST")
    steps = (start, Blocks(32, True), b"0\r\n\r\n")
    yield Case("upload-chunks", steps, frozenset({"chunks"}), last=DONE, body=32 * 65536)


def _websocket() -> Case:
    key = base64.b64encode(bytes(16)).decode()
    lines = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")
    hello, goodbye = _frame(1, b"hello"), _frame(8, (1000).to_bytes(2, "big"))
    steps = (head("websocket", "/talk", *lines, close=False), Until(b"\r\n\r\n"), hello, Until(b"hello"), goodbye)
    return Case("websocket", steps, frozenset({"websocket"}), DONE, told=False)


def _frame(kind: int, data: bytes) -> bytes:
    """A final frame of a client, masked with zeros."""
    return bytes([0x80 | kind, 0x80 | len(data)]) + bytes(4) + data
