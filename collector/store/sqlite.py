"""The embedded store: one SQLite file, a writer and readers that do not wait for each other (WAL).

Listings, which may scan, and look-ups by id have a connection each: the core looks up ids between two events."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct

from collector.model import AttackTrace, LoginEvent
from collector.store import file, query, tokens
from collector.store.base import AmbiguousError, IdError, LoginFilter, NotFoundError, Page, TraceFilter

NAME = "cowitness.sqlite3"
MAX_PAGE_BYTES = 8 << 20
"""Bytes of records after which a page ends early: a thousand large traces must not fill memory or a message."""

CHUNK = 500
"""Records deleted in one transaction, so that a save never waits long for it."""

SAY_FULL_SECONDS = 600.0
DAY = 86_400 * 1_000_000_000
_PREFIX = re.compile("[0-9a-f]{4,16}")

log = structlog.get_logger()
T = TypeVar("T", bound=Struct)
R = TypeVar("R")

_decode_trace = msgspec.json.Decoder(AttackTrace).decode
_decode_login = msgspec.json.Decoder(LoginEvent).decode


class SqliteStore:
    """A Store in `directory`/cowitness.sqlite3. A file that turns out to be damaged is set aside, also while running;
    what was in it is no longer listed then, and a save that met it is repeated in the new file. Raises OSError where
    no file can be opened or made."""

    def __init__(self, directory: Path, retention_days: int = 30, max_megabytes: int = 1024) -> None:
        self.path = directory / NAME
        self._age, self._max_bytes = retention_days * DAY, max_megabytes << 20
        self._writing = threading.Lock()
        self._lists, self._gets = Reader(), Reader()
        self._said_full = float("-inf")
        try:
            self._open()
        except sqlite3.Error as error:
            raise OSError(f"{self.path}: {error}") from error

    def save(self, traces: Sequence[AttackTrace], logins: Sequence[LoginEvent]) -> None:
        trace_rows = [query.trace_row(trace) for trace in traces]
        login_rows = [query.login_row(login) for login in logins]
        with self._writing:
            try:
                self._commit(trace_rows, login_rows)
            except sqlite3.DatabaseError as error:
                if not file.is_damage(error):
                    raise
                self._replace(error)
                self._commit(trace_rows, login_rows)
            self._trim_size()

    def traces(self, wanted: TraceFilter, page_size: int, token: str = "") -> Page[AttackTrace]:
        return self._page("traces", wanted, query.trace_terms(wanted), _decode_trace, page_size, token)

    def logins(self, wanted: LoginFilter, page_size: int, token: str = "") -> Page[LoginEvent]:
        return self._page("logins", wanted, query.login_terms(wanted), _decode_login, page_size, token)

    def trace(self, trace_id: str) -> AttackTrace:
        return _decode_trace(self._find("traces", trace_id))

    def login(self, login_id: str) -> LoginEvent:
        return _decode_login(self._find("logins", login_id))

    def prune(self) -> int:
        oldest = time.time_ns() - self._age
        count = sum(self._delete_all(table, oldest) for table in ("traces", "logins"))
        with self._writing:
            return count + self._trim_size()

    def close(self) -> None:
        with self._writing:
            self._close()

    def used_bytes(self) -> int:
        """The size of what is stored, free pages not counted."""
        with self._writing:
            return self._used()

    # inside; the writing lock is held

    def _open(self) -> None:
        self._writer = file.open_file(self.path)
        for reader in (self._lists, self._gets):
            reader.open(self.path)

    def _close(self) -> None:
        for reader in (self._lists, self._gets):
            reader.close()
        self._writer.close()

    def _commit(self, traces: list[query.Row], logins: list[query.Row]) -> None:
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(query.SAVE_TRACE, traces)
            self._writer.executemany(query.SAVE_LOGIN, logins)

    def _used(self) -> int:
        pages, free, size = (
            int(self._writer.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _trim_size(self) -> int:
        """Delete the oldest above the size limit; their pages are used again, so the file stops growing."""
        count = 0
        while self._used() > self._max_bytes and (table := self._oldest_table()):
            count += self._delete(table, 1 << 62, CHUNK // 10)
        if count and time.monotonic() - self._said_full > SAY_FULL_SECONDS:
            self._said_full = time.monotonic()
            log.warning("the store is full: its oldest records are deleted", limit_bytes=self._max_bytes)
        return count

    def _oldest_table(self) -> str:
        """Where the record is that was not changed for the longest time; empty where there is none."""
        statement = "SELECT 'traces', min(stored) m FROM traces UNION ALL SELECT 'logins', min(stored) FROM logins"
        rows = self._writer.execute(f"{statement} ORDER BY m NULLS LAST").fetchall()
        return str(rows[0][0]) if rows[0][1] is not None else ""

    def _delete(self, table: str, before: int, limit: int) -> int:
        statement = f"SELECT id FROM {table} WHERE stored < ? ORDER BY stored LIMIT ?"  # noqa: S608 - our own names
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            ids = self._writer.execute(statement, (before, limit)).fetchall()
            self._writer.executemany(f"DELETE FROM {table} WHERE id = ?", ids)  # noqa: S608 - our own names
        return len(ids)

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """The file is damaged: put it aside and go on with a new one."""
        self._close()
        file.set_aside(self.path, str(error))
        self._open()

    # inside; no lock is held

    def _delete_all(self, table: str, before: int) -> int:
        """Chunk by chunk, so that a save waits for one chunk at most."""
        total, count = 0, CHUNK
        while count == CHUNK:
            with self._writing:
                count = self._delete(table, before, CHUNK)
            total += count
        return total

    def _page(
        self, table: str, wanted: Struct, terms: list[tuple[str, query.Row]], decode: Callable[[bytes], T],
        page_size: int, token: str,
    ) -> Page[T]:  # fmt: skip
        statement, values = query.select(table, terms, tokens.read(wanted, token))
        rows = self._lists.read(lambda connection: _some(connection, statement, [*values, page_size + 1]))
        more = len(rows) > page_size or (bool(rows) and rows[-1] is None)
        kept = [row for row in rows[:page_size] if row is not None]
        following = tokens.write(wanted, kept[-1][1], kept[-1][0]) if more and kept else ""
        return Page(tuple(item for row in kept if (item := _decoded(decode, row)) is not None), following)

    def _find(self, table: str, wanted: str) -> bytes:
        prefix = _prefix(wanted)
        statement = f"SELECT id, body FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 6"  # noqa: S608 - our own names
        values = (prefix, prefix + "g")
        return _only(self._gets.read(lambda connection: connection.execute(statement, values).fetchall()), wanted)


class Reader:
    """A connection for one reading thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def open(self, path: Path) -> None:
        with self._lock:
            self._connection = file.connect(path)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """What `work` returns; raises ConnectionError after `close`."""
        with self._lock:
            if self._connection is None:
                raise ConnectionError("the store is closed")
            return work(self._connection)


def _some(connection: sqlite3.Connection, statement: str, values: list[Any]) -> list[Any]:
    """Rows, up to MAX_PAGE_BYTES of them; a None at the end says that there are more."""
    rows: list[Any] = []
    size = 0
    for row in connection.execute(statement, values):
        if rows and size + len(row[2]) > MAX_PAGE_BYTES:
            return [*rows, None]
        rows.append(row)
        size += len(row[2])
    return rows


def _prefix(text: str) -> str:
    lowered = text.lower()
    if not _PREFIX.fullmatch(lowered):
        raise IdError(f"'{text[:100]}' is no id: ids are 16 hexadecimal digits, or 4 or more of their first ones")
    return lowered


def _only(rows: list[Any], wanted: str) -> bytes:
    if not rows:
        raise NotFoundError(f"nothing has the id {wanted}")
    if len(rows) > 1:
        names = ", ".join(row[0] for row in rows[:5])
        raise AmbiguousError(f"more than one id begins with {wanted}: {names}{', ...' if len(rows) > 5 else ''}")
    return bytes(rows[0][1])


def _decoded(decode: Callable[[bytes], T], row: Any) -> T | None:
    """One unreadable record must not hide the others of its page."""
    try:
        return decode(row[2])
    except (msgspec.MsgspecError, ValueError) as error:
        log.error("a stored record cannot be read", id=row[0], error=str(error)[:200])
        return None
