"""The shop's data directory: made on first use, whole or not at all, by whichever worker comes first."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from examples.catalogue.books import BOOKS


@functools.cache
def directory() -> Path:
    """$BOOKSHOP_DATA, else a directory of this user's own below the temporary one."""
    path = Path(os.environ.get("BOOKSHOP_DATA") or f"{tempfile.gettempdir()}/bookshop-{os.getuid()}")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to somebody else: set BOOKSHOP_DATA")
    return path.absolute()


def database() -> Path:
    """The SQLite file with the table `books`."""
    return directory() / "books.sqlite3"


def chapters() -> Path:
    """The folder of sample chapters, one text file for each book."""
    return directory() / "chapters"


def secret_key() -> str:
    """The key that signs sessions: the same in all workers."""
    return (directory() / "secret-key").read_text()


def chapter_name(title: str, number: int) -> str:
    """The file name of a book's sample chapter; `number` is the book's id."""
    words = re.findall("[a-z0-9]+", title.lower())
    return "-".join(words[:4] or [f"book-{number}"]) + ".txt"


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Only one process at a time is in here."""
    with (directory() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fill() -> None:
    """Make what is missing. Call it in every worker: whoever comes first does it, the others wait."""
    with locked():
        if not (directory() / "secret-key").exists():
            _write(directory() / "secret-key", secrets.token_hex(32))
        _write_chapters()
        if not database().exists():
            _write_books()


def _write(path: Path, text: str) -> None:
    """A file that is there only when it is whole."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _write_chapters() -> None:
    chapters().mkdir(exist_ok=True)
    for number, (title, author, _, _, about) in enumerate(BOOKS, 1):
        path = chapters() / chapter_name(title, number)
        if not path.exists():
            _write(path, f"{title}\nby {author}\n\nChapter One\n\n{about}\n\n(The rest is in the shop.)\n")


def _write_books() -> None:
    part = database().with_suffix(".part")
    part.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(part)) as db, db:
        db.execute("create table books (id integer primary key, title, author, year, price, about, chapter)")
        rows = [(n, *book, chapter_name(book[0], n)) for n, book in enumerate(BOOKS, 1)]
        db.executemany("insert into books values (?, ?, ?, ?, ?, ?, ?)", rows)
    part.replace(database())
