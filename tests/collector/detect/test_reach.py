"""Which input stands as code in which operation."""

from __future__ import annotations

import pytest

from collector.detect.inputs import Input, inputs_of
from collector.detect.reach import reached
from collector.wire.agent import OperationRecord, RequestRecord

SEEN = [("url", "file:///srv/cw"), ("file", "/srv/cw")]


def parts(kind: str, text: str, *values: str) -> list[str]:
    items = [Input("body", "x", value) for value in values]
    return [one.part for one in reached([OperationRecord(0, kind, text=text)], items)]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("shell", "dig x.example && cat /proc/version", "http://www.x.example && cat /proc/version"),
        ("shell", "ping -c1 x;uname -a", "host=x;uname -a"),
        ("sql", "SELECT a FROM t WHERE b = 'x' or '7'='7'", "user:x' or '7'='7"),
        ("sql", 'SELECT a FROM t ORDER BY "t".a LIKE 1 OR f(1) --', "t.a LIKE 1 OR f(1) --"),
        ("template", "<p>{{ cw.__init__() }}</p>", "name {{ cw.__init__() }}"),
    ],
)
def test_what_an_app_shortened(kind: str, text: str, value: str) -> None:
    """An input that lost its beginning on the way into an operation is found by the part that acts."""
    assert parts(kind, text, value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("shell", "cd /srv && ls", "salt && ls"),
        ("sql", "INSERT INTO t (username) VALUES ('x')", "call f (username)"),
        ("sql", "SELECT a FROM t WHERE b = 'it''s so; really'", "well, it's so; really"),
        ("sql", "SELECT a FROM t ORDER BY a DESC LIMIT 5", "who wants ORDER BY a DESC LIMIT 5"),
        ("template", "<p>{{ name }}</p>", "write {{ name }}"),
        ("shell", "grep -r 'x; y and so on' .", "a x; y and so on"),
    ],
)
def test_what_only_looks_like_it(kind: str, text: str, value: str) -> None:
    """An end that the app's own text has as well, or that stands there as data, is nobody's attack."""
    assert parts(kind, text, value) == []


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("shell", "touch /tmp/cw", "<b color=\"[o.system('touch /tmp/cw')]\">"),
        ("url", "http://127.0.0.1/x.png", '<img src="http://127.0.0.1/x.png">'),
        ("file", "/srv/cw/secret", "<style>@import url(/srv/cw/secret)</style>"),
    ],
)
def test_what_a_larger_input_says(kind: str, text: str, value: str) -> None:
    """What is done because a document or code names it is the input's doing."""
    assert parts(kind, text, value)


def test_a_path_in_an_upload() -> None:
    """Only where the path climbs is the body looked at, and no other input says it."""
    body = "--x\r\n\r\n../../cw\0"
    for path, count in (("/srv/up/../../cw", 1), ("/srv/up/cw", 0)):
        assert len(reached([OperationRecord(0, "file", text=path)], [], body=body)) == count


def test_one_input_is_enough() -> None:
    """Where an input is what was asked for, larger ones that hold it are not told, too."""
    values = ("http://127.0.0.1/x", '<img src="http://127.0.0.1/x">')
    assert parts("url", "http://127.0.0.1/x", *values) == ["http://127.0.0.1/x"]


def test_entities_of_a_document() -> None:
    """What a document names as the place of an entity is an input: who opens it was sent there."""
    body = "<!DOCTYPE c [<!ENTITY x SYSTEM 'file:///srv/cw'>]><c>&x;</c>"
    record = RequestRecord("1", 0, "POST", "/", body=body, headers=[("content-type", "application/xml")])
    operations = [OperationRecord(n, kind, text=text) for n, (kind, text) in enumerate(SEEN)]
    found = reached(operations, inputs_of(record), body=body)
    assert [one.operation.text for one in found] == [text for _, text in SEEN]
