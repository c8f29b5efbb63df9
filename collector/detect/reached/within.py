"""What an operation does stands within a larger input: a page names an address or a file, code spells a command, an
archive holds a path that climbs. Readers of such inputs are many, and no hook knows them all; what they do is the same.

Only what stands between marks counts (`src="..."`, `url(...)`, `system('...')`): people write about addresses, paths
and commands, too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice

from collector.detect.reached.files import normal
from collector.detect.reached.occurrences import places
from collector.detect.reached.url import internal

MIN_PATH = 4
MIN_COMMAND = 2
MIN_LONE_COMMAND = 8
"""Characters from which a command in quotes is one wherever it stands; a shorter one must be handed to something."""

MAX_UNPACKED = 1 << 20
MAX_ARCHIVES = 4
_MARKS = {'"': '"', "'": "'", "`": "`", "(": ")", "[": "]", "<": ">", ">": "<", "=": " >\t\r\n"}
_QUOTES = "\"'`"
_CLIMBING = re.compile(r"(?<=/)\.\./.*$", re.DOTALL)
_GZIP = "\x1f\x8b\x08"


def address(value: str, url: str, resolved: Sequence[str] = ()) -> str:
    """The host of a URL that a document names, where it is an internal one; else an empty text.

    >>> address('<img src="http://127.0.0.1/x.png">', "http://127.0.0.1/x.png")
    '127.0.0.1'
    """
    return internal(url, resolved) if len(value) > len(url) and _marked(value, url) else ""


def path(value: str, name: str) -> str:
    """An absolute path that a document or code names, alone or as a file URL.

    >>> path("open('/proc/version').read()", "/proc/version"), path("see /proc/version", "/proc/version")
    ('/proc/version', '')
    """
    if len(name) < MIN_PATH or not name.startswith("/") or len(value) <= len(name):
        return ""
    return name if _marked(value, name) or f"file://{name}" in value else ""


def command(value: str, line: str) -> str:
    """A shell's line that code spells as a literal.

    >>> command("os.system('touch x')", "touch x"), command("say 'ls' to it", "ls"), command("f('ls')", "ls")
    ('touch x', '', 'ls')
    """
    if not MIN_COMMAND <= len(line) < len(value):
        return ""
    for at in places(line, value):
        quote = value[at - 1 : at]
        quoted = bool(quote) and quote in _QUOTES and value.startswith(quote, at + len(line))
        if quoted and (len(line) >= MIN_LONE_COMMAND or value[: at - 1].rstrip()[-1:] in ("(", "[", ",")):
            return line
    return ""


def arguments(value: str, argv: Sequence[str]) -> str:
    """A program with arguments that code spells one by one, in a list or a call.

    >>> arguments("run(['touch', '/tmp/x'])", ["touch", "/tmp/x"])
    'touch /tmp/x'
    """
    if len(argv) < 2 or sum(map(len, argv)) < MIN_LONE_COMMAND:
        return ""
    at = 0
    for word in argv:
        quoted = [found for quote in "'\"" if (found := value.find(quote + word + quote, at)) >= 0]
        if not quoted:
            return ""
        at = min(quoted) + len(word) + 1
    return " ".join(argv)


def archive(body: str, name: str) -> str:
    """The path that is meant, where an archive in this body (as it came; its bytes as characters) holds the climbing
    part of `name`: of tar and zip as they are, of tar within gzip unpacked as far as MAX_UNPACKED."""
    climbing = _CLIMBING.search(name)
    if climbing is None:
        return ""
    return normal(name) if climbing[0] in body or any(_holds(body, climbing[0])) else ""


def _holds(body: str, text: str) -> Iterator[bool]:
    for at in islice(places(_GZIP, body), MAX_ARCHIVES):
        try:
            data = zlib.decompressobj(31).decompress(body[at:].encode("latin-1", "replace"), MAX_UNPACKED)
        except zlib.error:
            data = b""
        yield text.encode("utf-8", "replace") in data


def _marked(value: str, text: str) -> bool:
    """Whether a text stands in a value between marks."""
    for at in places(text, value):
        ends = _MARKS.get(value[at - 1 : at] if at else "")
        after = value[at + len(text) : at + len(text) + 1]
        if ends is not None and (after in ends or (not after and ends[0] == " ")):
            return True
    return False
