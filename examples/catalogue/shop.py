"""What both shops do behind their pages. Four of these functions are weak on purpose, in ways that real apps are."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.error
import urllib.request
from html import escape
from typing import Any, NamedTuple, Protocol

from examples.catalogue import data

MAX_COVER = 1 << 20
"""Bytes of a cover that are passed on."""

COMMAND_SECONDS = 20
_FIELDS = "id, title, author, year, price, about, chapter"
_COVER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="180" viewBox="0 0 120 180">'
    '<rect width="120" height="180" fill="hsl({hue},35%,40%)"/><rect x="8" y="8" width="104" height="164" fill="none" '
    'stroke="#fff8"/><text x="60" y="90" fill="#fff" font-family="serif" font-size="11" text-anchor="middle">{title}'
    "</text></svg>"
)


class Cursor(Protocol):
    """As much of a DB-API cursor (PEP 249) as the shop uses; Django's has it too."""

    def execute(self, sql: str, params: Any = ..., /) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...


class Book(NamedTuple):
    """A row of the table `books`; `price` in cents."""

    id: int
    title: str
    author: str
    year: int
    price: int
    about: str
    chapter: str


def search(cursor: Cursor, words: str) -> list[Book]:
    """Books whose title or author holds `words`.

    Weak (CWE-89): the statement is put together from text. Somebody noticed that O'Brien could not be found and doubled
    apostrophes inside words, which is not all apostrophes.
    """
    words = re.sub(r"(?<=\w)'(?=\w)", "''", words)
    cursor.execute(f"select {_FIELDS} from books where title like '%{words}%' or author like '%{words}%'")
    return [Book(*row) for row in cursor.fetchall()]


def every_book(cursor: Cursor) -> list[Book]:
    """The whole catalogue, by author."""
    cursor.execute(f"select {_FIELDS} from books order by author, year")
    return [Book(*row) for row in cursor.fetchall()]


def book(cursor: Cursor, number: int, placeholder: str = "?") -> Book | None:
    """One book; `placeholder` is the DB-API driver's parameter style."""
    cursor.execute(f"select {_FIELDS} from books where id = {placeholder}", (number,))
    row = cursor.fetchone()
    return Book(*row) if row else None


def chapter(name: str) -> str:
    """The text of a sample chapter; raises OSError. Weak (CWE-22): nobody looks where `name` leads."""
    with open(os.path.join(data.chapters(), name), encoding="utf-8", errors="replace") as file:
        return file.read()


def cover_from(url: str) -> tuple[bytes, str]:
    """A publisher's image and its type; raises OSError or ValueError. Weak (CWE-918): any URL will do."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read(MAX_COVER), answer.headers.get("Content-Type", "application/octet-stream")


def drawn_cover(found: Book | None) -> tuple[bytes, str]:
    """A cover of our own."""
    title = found.title if found else "No cover"
    picture = _COVER.format(hue=(found.id * 47 if found else 0) % 360, title=escape(title[:20]))
    return picture.encode(), "image/svg+xml"


def look_up(host: str) -> str:
    """What the hosts file says of a machine of the shop's. Weak (CWE-78): a shell reads `host`."""
    command = f"getent -s files hosts {host}"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=COMMAND_SECONDS)
    return done.stdout.decode(errors="replace") or "not known\n"
