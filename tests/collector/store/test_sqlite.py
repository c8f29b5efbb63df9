"""The embedded store, over real files."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.model import Verdict
from collector.store import sqlite
from collector.store.base import AmbiguousError, IdError, LoginFilter, NotFoundError, PageTokenError, TraceFilter
from collector.store.sqlite import NAME, SqliteStore
from tests.collector.records import confirmed, login, trace

EVERYTHING = TraceFilter()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path)
    yield made
    made.close()


def pages(store: SqliteStore, wanted: TraceFilter, size: int) -> list[list[str]]:
    found, token = [], ""
    while True:
        page = store.traces(wanted, size, token)
        found.append([one.id for one in page.items])
        token = page.next_token
        if not token:
            return found


def test_a_record_comes_back_whole(store: SqliteStore) -> None:
    """A trace with everything on it, and a login, are read as they were saved."""
    store.save([confirmed()], [login(5)])
    assert store.trace(confirmed().id) == confirmed()
    assert store.login(login(5).id) == login(5)


def test_what_is_saved_outlives_the_process(tmp_path: Path) -> None:
    """Another store on the same directory finds it, also without the first one having been closed."""
    first = SqliteStore(tmp_path)
    first.save([confirmed()], [])
    with closing(SqliteStore(tmp_path)) as second:
        assert second.trace(confirmed().id) == confirmed()
    first.close()


def test_every_commit_is_synced(store: SqliteStore) -> None:
    """The writer commits with synchronous=FULL in write-ahead mode: what is acknowledged survives a power cut."""
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_update_replaces_and_a_verdict_never_goes_down(store: SqliteStore) -> None:
    """The latest state of an id is kept; a batch sent again after a restart does not take a verdict back."""
    store.save([trace(1)], [])
    higher = trace(1, Verdict.REACHED, path="/later")
    store.save([higher], [])
    assert store.trace(trace(1).id) == higher
    store.save([trace(1)], [])
    assert store.trace(trace(1).id) == higher
    assert len(store.traces(EVERYTHING, 10).items) == 1


def test_a_save_is_all_or_nothing(store: SqliteStore) -> None:
    """A record that cannot be stored takes the whole call with it, and the store goes on."""
    with pytest.raises((ValueError, TypeError)):
        store.save([trace(1), trace(2, path="\ud800")], [])
    assert store.traces(EVERYTHING, 10).items == ()
    with pytest.raises(OverflowError):
        store.save([trace(1), trace(2, start_time=1 << 70)], [])
    assert store.traces(EVERYTHING, 10).items == ()
    store.save([trace(3)], [])
    assert len(store.traces(EVERYTHING, 10).items) == 1


@pytest.mark.parametrize("size", [1, 7, 25, 50, 1000])
def test_pages_hold_everything_once_newest_first(store: SqliteStore, size: int) -> None:
    """Page by page every trace comes once, also those of the same nanosecond."""
    made = [trace(number, start_time=1000 + number // 10) for number in range(50)]
    store.save(made, [])
    found = pages(store, EVERYTHING, size)
    assert [name for page in found for name in page] == [one.id for one in reversed(made)]
    assert all(len(page) == size for page in found[:-1])


def test_what_comes_between_two_pages_moves_nothing(store: SqliteStore) -> None:
    """Traces saved after the first page neither repeat nor hide any on the second."""
    store.save([trace(number) for number in range(10)], [])
    page = store.traces(EVERYTHING, 5)
    store.save([trace(number) for number in range(10, 20)], [])
    rest = store.traces(EVERYTHING, 5, page.next_token)
    assert [one.id for one in rest.items] == [trace(number).id for number in (4, 3, 2, 1, 0)]
    assert rest.next_token == ""


def test_a_token_is_bound_to_its_filter(store: SqliteStore) -> None:
    """The token of one filter is refused with another, and for logins."""
    store.save([trace(number) for number in range(3)], [])
    token = store.traces(EVERYTHING, 1).next_token
    with pytest.raises(PageTokenError):
        store.traces(TraceFilter(service="shop"), 1, token)
    with pytest.raises(PageTokenError):
        store.logins(LoginFilter(), 1, token)


def test_a_page_of_large_records_ends_early(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends at its limit in bytes, holds one record at least, and the next ones hold the rest."""
    monkeypatch.setattr(sqlite, "MAX_PAGE_BYTES", 10_000)
    made = [trace(number, query="x" * size) for number, size in enumerate((4000, 4000, 4000, 20_000, 100))]
    store.save(made, [])
    assert [len(page) for page in pages(store, EVERYTHING, 100)] == [1, 1, 2, 1]


def test_prefixes(store: SqliteStore) -> None:
    """4 digits and more find the one trace that begins so; two candidates are named; case does not matter."""
    made = [replace(trace(1), id=name) for name in ("abcd000000000001", "abcd000000000002", "abce000000000000")]
    store.save(made, [])
    assert store.trace("ABCE").id == "abce000000000000"
    assert store.trace("abcd000000000002").id == "abcd000000000002"
    with pytest.raises(AmbiguousError, match="abcd000000000001, abcd000000000002"):
        store.trace("abcd")
    with pytest.raises(NotFoundError):
        store.trace("ffff")


@pytest.mark.parametrize("name", ["", "abc", "../../x", "g" * 16, "a" * 17, "abcd%", "abcd\n", "\u0661" * 4])
def test_what_cannot_be_an_id(store: SqliteStore, name: str) -> None:
    """Anything but 4 to 16 hexadecimal digits is refused."""
    with pytest.raises(IdError):
        store.trace(name)
    with pytest.raises(IdError):
        store.login(name)


def test_retention_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not changed for retention_days goes; the time that an app claims does not matter."""
    with closing(SqliteStore(tmp_path, retention_days=2)) as store:
        now = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: now - 3 * sqlite.DAY)
        store.save([trace(number, start_time=now) for number in range(1200)], [login(1)])
        monkeypatch.setattr(time, "time_ns", lambda: now - sqlite.DAY)
        store.save([trace(5, start_time=0), trace(2000, start_time=0)], [])
        monkeypatch.undo()
        assert store.prune() == 1200
        assert {one.id for one in store.traces(EVERYTHING, 10).items} == {trace(5).id, trace(2000).id}
        assert store.prune() == 0


def test_retention_by_size(tmp_path: Path) -> None:
    """Above max_megabytes the oldest go, at the save itself; the file stays near the limit, the newest are there."""
    with closing(SqliteStore(tmp_path, max_megabytes=16)) as store:
        store.save([], [login(1)])
        for batch in range(40):
            store.save([trace(batch * 10 + n, query="x" * 100_000) for n in range(10)], [])
            assert store.used_bytes() <= 16 << 20
        assert (tmp_path / NAME).stat().st_size < 20 << 20
        kept = [int(one.id, 16) for one in store.traces(TraceFilter(), 1000).items]
        assert kept[0] == 399
        assert 50 < len(kept) < 200
        assert store.logins(LoginFilter(), 10).items == ()


def test_old_traces_go_before_new_logins(tmp_path: Path) -> None:
    """A flood of traces takes the oldest records, not the newest logins."""
    with closing(SqliteStore(tmp_path, max_megabytes=16)) as store:
        store.save([trace(number, query="x" * 100_000) for number in range(150)], [])
        store.save([], [login(1)])
        store.save([trace(number, query="x" * 100_000) for number in range(200, 220)], [])
        assert len(store.logins(LoginFilter(), 10).items) == 1
        assert store.used_bytes() <= 16 << 20


def test_saving_and_reading_in_many_threads(store: SqliteStore) -> None:
    """Four readers page through while one thread saves: nothing fails, every page is in order."""
    ended, problems = threading.Event(), []

    def read() -> None:
        try:
            while not ended.is_set():
                times = [one.request.start_time for one in store.traces(EVERYTHING, 50).items]
                assert times == sorted(times, reverse=True)
        except BaseException as error:
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for batch in range(60):
        store.save([trace(batch * 20 + n) for n in range(20)], [login(batch)])
    ended.set()
    for reader in readers:
        reader.join(20)
    assert problems == []
    assert sum(len(page) for page in pages(store, EVERYTHING, 1000)) == 1200


def test_one_unreadable_record_hides_no_other(store: SqliteStore) -> None:
    """A record of an unknown shape is left out of its page; the others are listed."""
    store.save([trace(number) for number in range(3)], [])
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("UPDATE traces SET body = ? WHERE id = ?", (b'{"id": 7}', trace(1).id))
    assert [one.id for one in store.traces(EVERYTHING, 10).items] == [trace(2).id, trace(0).id]


def test_a_file_that_breaks_while_in_use(tmp_path: Path) -> None:
    """A save that meets a damaged file puts it aside and succeeds in a new one."""
    with closing(SqliteStore(tmp_path)) as store:
        store.save([trace(number, query="x" * 5000) for number in range(500)], [])
        store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = store.path.stat().st_size
        with store.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        store._writer.execute("PRAGMA shrink_memory")
        store.save([trace(9999)], [])
        assert [one.id for one in store.traces(EVERYTHING, 10).items] == [trace(9999).id]
        aside = [path for path in tmp_path.iterdir() if "corrupt" in path.name]
        assert aside[0].stat().st_size == size
