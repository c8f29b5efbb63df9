"""Compiled programs on disk: what comes back, and what is not believed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probes import cache
from probes.cache import Cache
from probes.objects import Objects, Program
from probes.syscalls import Map
from tests.probes.support import ROOT, programs

PROGRAM = Program("p", 5, b"\0" * 8, ("task:task_newtask",))
OBJECTS = Objects((Map("marks", 1, 4, 16, 512, 0),), (PROGRAM,), ("HAS_TASK",))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with one kept file."""
    place = tmp_path / "c"
    assert Cache(str(place)).write("one", OBJECTS) == ""
    assert Cache(str(place)).read("one") == OBJECTS
    return place


def test_by_name(place: Path) -> None:
    """Only what was kept under the same name comes back; the last that was written."""
    assert Cache(str(place)).read("two") is None
    Cache(str(place)).write("one", Objects((), (), ()))
    assert Cache(str(place)).read("one") == Objects((), (), ())


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_directory_that_others_may_write_to(place: Path, mode: int) -> None:
    """Nothing is read from it, nothing is written into it."""
    place.chmod(mode)
    assert Cache(str(place)).read("one") is None
    assert "others may write" in Cache(str(place)).write("two", OBJECTS)


def test_a_file_that_others_may_write_to(place: Path) -> None:
    """It is not believed, whatever it holds."""
    (place / "one.objects").chmod(0o620)
    assert Cache(str(place)).read("one") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else(place: Path) -> None:
    """It is not believed, nor is a directory of somebody else."""
    os.chown(place / "one.objects", 65534, 65534)
    assert Cache(str(place)).read("one") is None
    os.chown(place / "one.objects", 0, 0)
    os.chown(place, 65534, 65534)
    assert Cache(str(place)).read("one") is None


def test_what_is_no_file(place: Path) -> None:
    """A link is not followed, a pipe does not hold us up."""
    (place / "two.objects").symlink_to(place / "one.objects")
    os.mkfifo(place / "three.objects", 0o600)
    assert Cache(str(place)).read("two") is None
    assert Cache(str(place)).read("three") is None


@pytest.mark.parametrize("cut", [0, 31, 32, 60])
def test_half_a_file(place: Path, cut: int) -> None:
    """A file that is not whole is as none."""
    data = (place / "one.objects").read_bytes()
    (place / "one.objects").write_bytes(data[:cut])
    assert Cache(str(place)).read("one") is None


def test_a_changed_file(place: Path) -> None:
    """Neither is one in which a byte is another."""
    data = bytearray((place / "one.objects").read_bytes())
    data[-1] ^= 1
    (place / "one.objects").write_bytes(data)
    assert Cache(str(place)).read("one") is None


def test_the_newest_stay(place: Path) -> None:
    """Old files go, and nothing else lies there."""
    os.utime(place / "one.objects", (5, 5))
    for number, name in enumerate(("a", "b", "c", "d", "e")):
        Cache(str(place)).write(name, OBJECTS)
        os.utime(place / f"{name}.objects", (10 + number, 10 + number))
    Cache(str(place)).write("f", OBJECTS)
    assert sorted(path.name for path in place.iterdir()) == ["c.objects", "d.objects", "e.objects", "f.objects"]


def test_no_directory(tmp_path: Path) -> None:
    """Without a place nothing is kept, and the reason is told."""
    assert Cache("").read("one") is None
    assert Cache("").write("one", OBJECTS) != ""
    (tmp_path / "file").touch()
    assert "File exists" in Cache(str(tmp_path / "file")).write("one", OBJECTS)


def test_key(tmp_path: Path) -> None:
    """Another text, another order, or another state of a file is another key; the same things are the same."""
    path = tmp_path / "header"
    path.write_text("a")
    first = cache.key([b"a", b"b"], [path])
    assert first == cache.key([b"a", b"b"], [path])
    path.write_text("bb")
    assert len({first, cache.key([b"ab", b""], []), cache.key([b"b", b"a"], []), cache.key([b"a", b"b"], [path])}) == 4


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    """The programs of the first start are loaded as they were kept, with the ring's size of the second, without BCC."""
    with programs(1 << 16, str(tmp_path)):
        pass
    code = """
        import sys
        from probes import loader, syscalls
        loaded, made = loader.load(1 << 17, True, sys.argv[1])
        print("bcc" in sys.modules, syscalls.describe_map(loaded.maps["events"]).max_entries, len(loaded.attached))
    """
    words = [sys.executable, "-c", "\n".join(line.strip() for line in code.splitlines()), str(tmp_path)]
    out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert out[:2] == ["False", str(1 << 16)]
    assert int(out[2]) > 20
