"""Conversations with the WSGI site, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.transparent.talk import Blocks, End, Step, Until, Vanish

LIMIT = 65536
"""COWITNESS_BODY_BYTES of the watched server."""

TEXT = b"one\ntwo\r\nthree\n\n" + b"x" * 50 + b"\nno end"


@dataclass(frozen=True)
class Case:
    """A script; `needs` what a server must be able to do; `last` is the journal's line to wait for. `told`: the record
    has the status and the size that went over the wire; the size of a `file` may be unknown. `body`: bytes sent."""

    name: str
    steps: tuple[Step, ...]
    needs: frozenset[str] = frozenset()
    last: object = None
    told: bool = True
    body: int = 0
    file: bool = False


def head(name: str, path: str, *lines: str, method: str = "GET", version: str = "1.1", close: bool = True) -> bytes:
    """The head of a request."""
    words = [f"{method} {path} HTTP/{version}", "Host: site", f"X-Case: {name}", *lines]
    return "\r\n".join([*words, *(["Connection: close"] if close else []), "", ""]).encode()


def post(name: str, path: str, body: bytes) -> tuple[Step, ...]:
    """A body of known length."""
    return (head(name, path, f"Content-Length: {len(body)}", method="POST") + body,)


def chunked(name: str, path: str, *chunks: bytes, trailers: bytes = b"") -> tuple[Step, ...]:
    """A body in chunks."""
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return (head(name, path, "Transfer-Encoding: chunked", method="POST") + framed + b"0\r\n" + trailers + b"\r\n",)


def cases() -> list[Case]:
    """All of them."""
    return [*_reads(), *_limits(), *_answers(), *_connections(), *_uploads()]


def _reads() -> Iterator[Case]:
    bounded = ("exact", "keyword", "half", "nothing", "mixed", "wrapped", "managed", "twice")
    unbounded = ("all", "sevens", "blocks", "parts", "line", "shortline", "lines", "hinted", "iterated", "into")
    for how in (*bounded, *unbounded):
        ends = frozenset({"input end"}) if how in unbounded or how == "twice" else frozenset()
        name = f"read-{how}"
        yield Case(name, post(name, f"/read/{how}", TEXT), ends)
    for how in ("all", "sevens", "line", "iterated"):
        name = f"chunked-{how}"
        steps = chunked(name, f"/read/{how}", TEXT[:3], TEXT[3:20], TEXT[20:], trailers=b"X-Trailer: end\r\n")
        yield Case(name, steps, frozenset({"chunks", "input end"}))
    yield Case("read-none", post("read-none", "/read/exact", b""))
    yield Case("read-get", (head("read-get", "/read/exact"),))
    yield Case("slow", slow("slow", "/read/exact"), frozenset({"streams"}))


def slow(name: str, path: str) -> tuple[Step, ...]:
    """A body that comes byte by byte, in pieces of its own."""
    return (head(name, path, "Content-Length: 11", method="POST"), *(bytes([c]) for c in b"hello world"))


def _limits() -> Iterator[Case]:
    for size in (1, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT - 1, 2 * LIMIT, 2 * LIMIT + 1):
        for how in ("exact", "blocks") if size != 1 else ("exact",):
            name = f"limit-{how}-{size}"
            body = bytes(i * 31 % 251 for i in range(size))
            needs = frozenset({"input end"}) if how == "blocks" else frozenset()
            yield Case(name, post(name, f"/read/{how}", body), needs, body=size)


CLOSES = ("own", "sized", "sizedtwo", "generated", "failing", "failingfirst", "failinglength", "stubborn")
ANSWERS = (
    "list", "parts", "empty", "tuple", "length", "nocontent", "unmodified", *CLOSES, "file", "filepart", "filelength",
    "fileblock", "filelike", "written", "writtenfails", "restarted", "late", "keyword", "raises", "raisesafter",
    "failsfirst", "hints", "old", "works",
)  # fmt: skip
NEEDS = {"filepart": frozenset({"seek"})}
VARIED = ("list", "empty", "length", "generated", "file", "written", "failing", "bytes")
"""Answered to HEAD and to HTTP/1.0 as well."""

WRONG = ("bytes", "none", "short", "long", "twicestarted", "lazyheaders", "text")
"""What PEP 3333 does not allow: what becomes of it is the server's affair, but the same."""


def _answers() -> Iterator[Case]:
    for how in (*ANSWERS, *WRONG):
        last = "close" if how in CLOSES else None
        for method in ("GET", "HEAD") if how in VARIED else ("GET",):
            name = f"{method}-{how}"
            told = method == "GET" and how not in WRONG
            steps = (head(name, f"/answer/{how}", method=method),)
            yield Case(name, steps, NEEDS.get(how, frozenset()), last, told, file=how.startswith("file"))
        if how not in VARIED:
            continue
        name = f"old-{how}"
        steps = (head(name, f"/answer/{how}", version="1.0", close=False),)
        told = how not in WRONG
        yield Case(name, steps, NEEDS.get(how, frozenset()), last, told, file=how.startswith("file"))


def _connections() -> Iterator[Case]:
    alive = frozenset({"keep-alive"})
    first = head("alive", "/answer/length", close=False)
    yield Case("alive", (first, Until(b"0123456789"), head("alive", "/answer/list")), alive, told=False)
    alive = frozenset({"pipelines"})
    yield Case("pipeline", (first * 3 + head("pipeline", "/answer/list"),), alive, told=False)
    body = head("pipelinebody", "/read/exact", "Content-Length: 5", method="POST", close=False) + b"hello"
    yield Case("pipelinebody", (body * 2 + head("pipelinebody", "/answer/list"),), alive, told=False)
    unread = head("unread", "/read/nothing", "Content-Length: 5", method="POST", close=False) + b"hello"
    yield Case("unread", (unread + head("unread", "/answer/list"),), alive, told=False)
    expects = ("Content-Length: 5", "Expect: 100-continue")
    asks = head("continue", "/read/exact", *expects, method="POST")
    yield Case("continue", (asks, Until(b"100 Continue"), b"hello"), frozenset({"continue"}))
    steps = (head("continue-unread", "/read/nothing", *expects, method="POST"), End())
    yield Case("continue-unread", steps, frozenset({"streams"}))
    told = head("told", "/answer/told", "Content-Length: 2048", method="POST")
    steps = (told, b"a" * 1024, Until(b"saw:aaa"), b"b" * 1024, Until(b"saw:bbb"))
    yield Case("told", steps, frozenset({"streams"}), last="close")
    steps = (head("vanish-download", "/answer/endless"), Until(b"xxx"), Vanish())
    yield Case("vanish-download", steps, last="close", told=False)
    half = (head("vanish-upload", "/read/exact", "Content-Length: 99", method="POST"), b"0123456789", End())
    yield Case("vanish-upload", half, frozenset({"streams"}), told=False)
    yield Case("too-much", (*post("too-much", "/read/exact", b"12345"), b"6789"))
    yield Case("bad-length", (head("bad-length", "/read/exact", "Content-Length: x", method="POST"), End()), told=False)


def _uploads() -> Iterator[Case]:
    for name, count in (("upload-1M", 16), ("upload-100M", 1600)):
        size = count * 65536
        steps = (head(name, "/answer/upload", f"Content-Length: {size}", method="POST"), Blocks(count))
        yield Case(name, steps, frozenset({"large"}) if count > 16 else frozenset(), body=size)
    start = head("upload-chunks", "/answer/upload", "Transfer-Encoding: chunked", method="POST")
    steps = (start, Blocks(32, True), b"0\r\n\r\n")
    yield Case("upload-chunks", steps, frozenset({"chunks", "input end"}), body=32 * 65536)
