"""The SQLite file: opened, checked, and set aside where it cannot be used. Nothing is ever deleted here."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from collector.store.query import SCHEMA

APPLICATION_ID = 0x434F5749
"""SQLite's application_id of our files ("COWI"): a foreign database is not ours to write into."""

VERSION = 1
CHECK_SECONDS = 5.0
"""How long the check at the start may take; a large healthy file is believed after that."""

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "journal_size_limit = 67108864", "cache_size = -8192")
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

log = structlog.get_logger()


class UnusableError(Exception):
    """Why this file is not a store of ours, or is one no more."""


def open_file(path: Path) -> sqlite3.Connection:
    """The writing connection to a sound store at `path`; what stood there and is none is set aside first.

    Raises sqlite3.Error or OSError where a new file cannot be made either (no right, no room).
    """
    try:
        return _open_sound(path)
    except UnusableError as error:
        set_aside(path, str(error))
        return _open_sound(path)


def connect(path: Path, check: Callable[[sqlite3.Connection], None] = lambda _: None) -> sqlite3.Connection:
    """A connection in write-ahead mode, after `check` has had a look: what is not ours stays as it is.

    synchronous=FULL: an acknowledged batch is forgotten by its agent, so a commit must outlive a power cut, not only
    our own end. It costs one fsync for each round of the pipeline, not for each record.
    """
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        check(connection)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def set_aside(path: Path, reason: str) -> Path:
    """Rename an unusable file together with its -wal and -shm; they belong to it and would spoil a new one."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target, number = path.with_name(f"{path.name}.corrupt-{stamp}"), 1
    while target.exists():
        target = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
        number += 1
    for suffix in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + suffix)
        if beside.exists() or beside.is_symlink():
            beside.rename(target.with_name(target.name + suffix))
    log.error("the store cannot be used; it is kept aside and a new one is made", path=str(target), reason=reason)
    return target


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than busy, full or out of reach."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE


def _open_sound(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
    elif not path.is_file():
        raise UnusableError("it is not a regular file")
    try:
        return connect(path, _check)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise UnusableError(str(error)) from error
        raise


def _check(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file; raises UnusableError for any other's, and for a damaged one of ours."""
    version, application = (_pragma(connection, name) for name in ("user_version", "application_id"))
    if application == 0 and version == 0 and not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        _create(connection)
    elif application != APPLICATION_ID:
        raise UnusableError("it is another program's database")
    elif version != VERSION:
        raise UnusableError(f"its schema has version {version}, this collector knows {VERSION}")
    else:
        _quick_check(connection)


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def _quick_check(connection: sqlite3.Connection) -> None:
    end = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        log.info("the store is large; its check was cut short", seconds=CHECK_SECONDS)
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise UnusableError(str(found)[:200])


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
