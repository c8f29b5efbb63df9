"""Text on a terminal: whatever an attacker wrote is shown, never obeyed. Rich's markup is off everywhere."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from cowitness.v1 import cowitness_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_TEXT = 2000
MAX_LINE = 1000
PIPED_WIDTH = 120
VERDICT_STYLES = {1: "yellow", 2: "bold dark_orange", 3: "bold red"}
VERDICT_WORDS = {0: "none", 1: "attempted", 2: "reached", 3: "confirmed"}

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Control characters (terminal escapes among them), and what is invisible or turns the direction of writing."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    r"""`text` with everything that a terminal would obey or hide spelled out, cut at `limit` characters.

    >>> clean("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    cut = text if len(text) <= limit else text[:limit] + "..."
    return _UNSAFE.sub(_spelled, cut)


def untrusted(text: str, style: str = "", limit: int = MAX_TEXT) -> Text:
    """Rich text of what others wrote."""
    return Text(clean(text, limit), style=style)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and what others wrote, a line each, those without a value left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(name, untrusted(value, limit=MAX_LINE))
    return grid


def console() -> Console:
    """Standard output: as wide as the terminal; when piped, 120 columns (or $COLUMNS) and no colour."""
    width = None
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdigit():
        width = PIPED_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


def verdict(number: int) -> Text:
    return Text(VERDICT_WORDS.get(number, "?"), style=VERDICT_STYLES.get(number, ""))


def when(stamp: Timestamp, full: bool = False) -> str:
    """A time in UTC; an empty one is a dash."""
    if not stamp.seconds:
        return "-"
    moment = datetime.fromtimestamp(stamp.seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{stamp.nanos // 1_000_000:03d} UTC" if full else f"{moment:%m-%d %H:%M:%S}"


def ago(stamp: Timestamp) -> str:
    """How long ago, in one unit."""
    seconds = max(0, int(datetime.now(UTC).timestamp()) - stamp.seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def asked(request: pb.HttpRequest) -> str:
    """What came: a request's line, or a task with its queue."""
    if request.HasField("messaging"):
        queue = request.messaging.destination_name
        return f"{request.messaging.operation_name} {request.route}{f' from the queue {queue}' if queue else ''}"
    return f"{request.method} {request.url_path}{f'?{request.url_query}' if request.url_query else ''}"


def milliseconds(ns: int) -> str:
    """A duration for people."""
    return f"{ns / 1e9:.2f} s" if ns >= 1_000_000_000 else f"{ns / 1e6:.1f} ms"


def address(host: str, port: int) -> str:
    """host:port, IPv6 in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _spelled(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def unjudged(agent: pb.Agent) -> int:
    """How many verdicts an app waited for in vain, or did not ask for as others before had not come."""
    return sum(agent.counters.get(name, 0) for name in ("verdict_timeouts", "verdicts_skipped"))
