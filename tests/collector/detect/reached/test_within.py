"""Operations that stand within a larger input: named between marks they are the input's doing, in prose nobody's."""

from __future__ import annotations

import gzip

import pytest

from collector.detect.reached import within
from collector.detect.reached.occurrences import MAX_OCCURRENCES

HOST, FILE = "http://10.0.0.7:8080/a?b=c", "/srv/cw/secret"


@pytest.mark.parametrize("before", ['<img src="', "<img src='", "<img src=", "url(", "![x](", "<image>", '<a href = "'])
def test_documents(before: str) -> None:
    """Pages, style sheets, Markdown and XML name what their readers fetch or open."""
    after = {'"': '"', "'": "'", "(": ")", "=": " ", ">": "</"}[before[-1]]
    for text, look in ((HOST, within.address), (FILE, within.path)):
        assert look(f"x {before}{text}{after} y", text)
        assert look(f"x {before}{text}/more{after} y", text) == ""


@pytest.mark.parametrize("prose", ["see {} there", "{} is mine", "at {}.", "(see {} or so)", "{}", '"x" {} "y"'])
def test_prose(prose: str) -> None:
    """What people write about addresses, files and commands leads nobody anywhere."""
    assert within.address(prose.format(HOST), HOST) == ""
    assert within.path(prose.format(FILE), FILE) == ""
    assert within.command(prose.format("touch /tmp/cw"), "touch /tmp/cw") == ""


def test_hosts() -> None:
    """Only internal ones count, by name or by what a name resolved to."""
    page = '<img src="https://cdn.example.org/a.png">'
    assert within.address(page, "https://cdn.example.org/a.png") == ""
    assert within.address(page, "https://cdn.example.org/a.png", ["10.0.0.7"]) == "cdn.example.org"


def test_commands() -> None:
    """A literal that is a whole line of a shell; a short one where it is handed to something."""
    assert within.command("[o.system('touch x y')]", "touch x y") == "touch x y"
    assert within.command("popen( 'id')", "id") == "id"
    assert within.command("print 'id' twice", "id") == ""
    assert within.command("o.system('touch x y')", "touch x") == ""
    assert within.command("`id`" * 5 + "(`id`)", "id") == "id"
    assert within.command("'id'" * (MAX_OCCURRENCES + 1) + "('id')", "id") == ""


def test_arguments() -> None:
    """Every argument is a literal, in their order."""
    argv = ["touch", "-r", "/tmp/cw"]
    assert within.arguments("run(['touch', \"-r\", '/tmp/cw'])", argv)
    assert within.arguments("run(['/tmp/cw', '-r', 'touch'])", argv) == ""
    assert within.arguments("touch -r /tmp/cw", argv) == ""
    assert within.arguments("f('a', 'b')", ["a", "b"]) == ""


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_archives(pack: object) -> None:
    """The part of a path that climbs stands in the upload, packed or not."""
    assert callable(pack)
    body = "head\r\n\r\n" + pack(b"a/../../etc/cron.d/x\0rest").decode("latin-1")
    assert within.archive(body, "/srv/up/a/../../etc/cron.d/x") == "/srv/etc/cron.d/x"
    assert within.archive(body, "/srv/up/../etc/cron.d/y") == ""
    assert within.archive(body, "/srv/up/a/etc/cron.d/x") == ""


def test_archives_that_are_broken() -> None:
    """What begins like gzip and is none, and one that is cut off, harm nobody."""
    whole = gzip.compress(b"../../x" + bytes(range(256)) * 50).decode("latin-1")
    assert within.archive("\x1f\x8b\x08" * 50, "/srv/../../x") == ""
    assert within.archive(whole[:-20], "/srv/../../x") == "/x"
