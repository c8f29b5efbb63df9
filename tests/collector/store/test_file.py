"""The store's file: what cannot be used is kept aside, and never deleted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from collector.store import file
from collector.store.base import TraceFilter
from collector.store.sqlite import NAME, SqliteStore
from tests.collector.logged import captured
from tests.collector.records import trace


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id)")
        other.commit()


def newer(path: Path) -> None:
    SqliteStore(path.parent).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")


def broken_page(path: Path) -> None:
    with closing(SqliteStore(path.parent)) as store:
        store.save([trace(number, query="x" * 3000) for number in range(300)], [])
    with path.open("r+b") as opened:
        opened.seek(path.stat().st_size // 2)
        opened.write(b"\xa5" * 40_000)


def cut_short(path: Path) -> None:
    with closing(SqliteStore(path.parent)) as store:
        store.save([trace(number, query="x" * 3000) for number in range(300)], [])
    os.truncate(path, path.stat().st_size // 2)


def directory(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("kept")


@pytest.mark.parametrize("spoil", [garbage, foreign, newer, broken_page, cut_short, directory])
def test_what_is_no_store_is_kept_aside(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """It is renamed as it was, the log names the new path, and the new store works."""
    path = tmp_path / NAME
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with captured() as log, closing(SqliteStore(tmp_path)) as store:
        store.save([trace(1)], [])
        assert len(store.traces(TraceFilter(), 10).items) == 1
    (aside,) = [found for found in tmp_path.iterdir() if ".corrupt-" in found.name]
    assert (aside.read_bytes() if aside.is_file() else b"") == before
    assert [event["path"] for event in log.events() if event["level"] == "error"] == [str(aside)]


def test_its_wal_goes_with_it(tmp_path: Path) -> None:
    """The -wal and -shm of a file that is put aside must not be read into the new one."""
    path = tmp_path / NAME
    garbage(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(NAME + suffix).write_bytes(b"old" + suffix.encode())
    target = file.set_aside(path, "a test")
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        target.name,
        f"{target.name}-shm",
        f"{target.name}-wal",
    ]
    assert target.with_name(target.name + "-wal").read_bytes() == b"old-wal"


def test_two_in_one_second(tmp_path: Path) -> None:
    """A second file put aside in the same second does not replace the first."""
    path = tmp_path / NAME
    targets = []
    for text in (b"one", b"two"):
        path.write_bytes(text)
        targets.append(file.set_aside(path, "a test"))
    assert [target.read_bytes() for target in targets] == [b"one", b"two"]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """A file without any byte, as a crash right after its making leaves it, is simply used."""
    (tmp_path / NAME).touch()
    with closing(SqliteStore(tmp_path)) as store:
        store.save([trace(1)], [])
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """The file is open to its owner and group only, whatever the umask."""
    before = os.umask(0)
    try:
        SqliteStore(tmp_path).close()
    finally:
        os.umask(before)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640


def test_a_directory_that_cannot_hold_it(tmp_path: Path) -> None:
    """Where no file can be made the error is an OSError, and nothing is put aside."""
    with pytest.raises(OSError, match="No such file"):
        SqliteStore(tmp_path / "none")


def test_a_store_in_use_by_another_is_not_damage(tmp_path: Path) -> None:
    """A locked database is busy, not corrupt."""
    with closing(SqliteStore(tmp_path)) as store:
        busy = sqlite3.OperationalError("database is locked")
        busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
        assert not file.is_damage(busy)
        assert store.path.exists()
