"""Inputs: every place, every decoding, and bodies that want to do harm."""

from __future__ import annotations

import base64
import json
import random

import pytest

from collector.detect.inputs import MAX_INPUTS, MAX_TOTAL, Input, inputs_of
from collector.wire.agent import RequestRecord

FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json; charset=utf-8")
MULTIPART = ("content-type", 'multipart/form-data; boundary="xx"')


def record(**fields: object) -> RequestRecord:
    return RequestRecord(request_id="1f2e3d4c5b6a7988", phase="end", **fields)  # type: ignore[arg-type]


def found(**fields: object) -> set[tuple[str, str, str]]:
    return {(item.location, item.parameter, item.value) for item in inputs_of(record(**fields))}


def test_query() -> None:
    """Plus and percent are decoded, repeated keys give several inputs, a bare text is one."""
    assert found(query="a=x%3Bid+1&a=2&b=") == {("query", "a", "x;id 1"), ("query", "a", "2")}
    assert found(query="%27or%201") == {("query", "", "'or 1")}


def test_decoded_twice() -> None:
    """What is still encoded after decoding is decoded once more, and both are inputs."""
    assert found(query="a=%2527x") == {("query", "a", "%27x"), ("query", "a", "'x")}


def test_base64() -> None:
    """A value that is base64 of readable text is looked into; random letters are not."""
    value = base64.b64encode(b"' or 1=1--").decode()
    assert ("query", "a", "' or 1=1--") in found(query="a=" + value)
    assert found(query="a=abcdefghijklmnop") == {("query", "a", "abcdefghijklmnop")}


@pytest.mark.parametrize(
    ("query", "inside"),
    [
        ("a=x%c0%afy%c0%ae", "x/y."),
        ("a=x%e0%80%afy%f0%80%80%ae", "x/y."), ("a=x%f8%80%80%80%afy%fc%80%80%80%81%81", "x/yA"),
        ("a=http://x.example/?b=%2527y%26c=z", "'y"), ("a=/x?b=%26%26y", "b=&&y"),
        ("a=query($b:+ID){x(y:\"it%5C%22s'\",z:\"\"\"block%0A\"\"\")}", "it\"s'"), ("a={x(y:\"%5Cu0027z\")}", "'z"),
        ("a=%u0027x", "'x"), ("a=%5C%27x%5C%7B", "'x{"), ("a=x%E2%88%95y", "x/y"),
        ("a=o%E2%80%8Br", "or"), ("a=" + base64.b64encode(b"caf\xc3\xa9 'x").decode(), "caf\u00e9 'x"),
        ("a=" + base64.b64encode(b"x\xc0\xafy--z").decode(), "x/y--z"), ("a=eyJiIjogIid4In0%3D", "'x"),
    ],
)  # fmt: skip
def test_disguises(query: str, inside: str) -> None:
    """Over-long UTF-8, escapes of IIS, quotes behind backslashes, letters that only look like others, base64: inputs
    are what they stand for, too."""
    assert inside in {item.value for item in inputs_of(record(query=query))}


@pytest.mark.parametrize("value", ["978-0-14-118776-1", "A0B1C2D3E4F5", "the old man and the sea", "deadbeef00deadbe"])
def test_what_is_no_base64(value: str) -> None:
    """Numbers, digests and words are not taken for base64."""
    assert found(query="a=" + value.replace(" ", "+")) == {("query", "a", value)}


def test_addresses() -> None:
    """An address that a page was reached from is taken apart; one without pairs, or a question, is one value."""
    asked = record(headers=[("referer", "https://x.example/a?b=%27or+1&c=d#e")])
    assert {("header", "referer.b", "'or 1"), ("header", "referer.c", "d")} <= {
        (item.location, item.parameter, item.value) for item in inputs_of(asked)
    }
    assert found(query="a=where+is+it?+b=c") == {("query", "a", "where is it? b=c")}


def test_a_form_that_says_nothing_of_itself() -> None:
    """A body of a type that nobody knows is one value, and pairs where it begins like them."""
    asked = record(method="POST", body="a=%27x&b=y", headers=[("content-type", "x/y")])
    assert {"'x", "y"} <= {item.value for item in inputs_of(asked)}


def test_separators_that_are_none() -> None:
    """A query whose `&` may be a shell's or an entity's is an input as a whole, an ordinary one is not."""
    assert ("query", "", "a=x && ls") in found(query="a=x%20&&%20ls")
    assert ("query", "", "a=&lt;b") in found(query="a=&lt;b")
    assert {key for _, key, _ in found(query="a=1&b=2;c=3")} == {"a", "b"}


def test_a_cookie_that_goes_on() -> None:
    """What follows a `;` and is no cookie belongs to the one before it."""
    assert ("cookie", "", "a=x; cat /etc/hosts") in found(headers=[("cookie", "a=x; cat /etc/hosts")])
    assert found(headers=[("cookie", "a=x; b=y")]) == {("cookie", "a", "x"), ("cookie", "b", "y")}


def test_form_and_odd_keys() -> None:
    """A form's fields are inputs, and so is a whole pair whose key is no plain name."""
    assert found(body="a=1&b[c]=2", headers=[FORM]) == {("body", "a", "1"), ("body", "b[c]", "2")}
    assert ("body", "", "<img src=x>") in found(body="<img%20src=x>", headers=[FORM])


def test_json_key_paths() -> None:
    """Strings of a JSON body carry their key path; a text in JSON that is JSON is looked into."""
    body = json.dumps({"host": "x;id", "items": [{"name": "y"}], "n": 5, "inner": '{"a":"z"}'})
    got = found(body=body, headers=[JSON])
    assert {("body", "host", "x;id"), ("body", "items[0].name", "y"), ("body", "inner.a", "z")} <= got


def test_json_without_its_content_type() -> None:
    """A body that looks like JSON is read as JSON whatever it says of itself; apps do that too."""
    assert ("body", "a", "x") in found(body='{"a": "x"}', headers=[("content-type", "text/plain")])


def test_multipart() -> None:
    """Fields and file names are inputs, a file's content is not; a body that was cut off gives what is there."""
    body = (
        '--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n'
        '--xx\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\ncontent\r\n'
        '--xx\r\nContent-Disposition: form-data; name="b"\r\n\r\ncut off'
    )
    assert found(body=body, headers=[MULTIPART]) == {
        ("body", "a", "value"), ("file_name", "f", "../../x"), ("body", "b", "cut off")
    }  # fmt: skip
    odd = '--xx\r\nContent-Disposition: form-data; name="../x"\r\n\r\nv'
    assert ("body", "", "../x") in found(body=odd, headers=[MULTIPART])


def test_path_headers_cookies_and_parameters() -> None:
    """The raw path keeps what the server normalised; cookies stand by name; names of this server are no inputs."""
    headers = [("user-agent", "curl"), ("host", "h"), ("cookie", "a=b%20c; d=e"), ("x-custom", "v"),
        ("authorization", "B x")]  # fmt: skip
    got = found(target="/a/%2e%2e/b?q=1", path="/b", headers=headers, path_params={"name": "n"})
    assert got == {
        ("path", "", "/a/../b"), ("path", "", "/b"), ("path_params", "name", "n"), ("header", "user-agent", "curl"),
        ("header", "x-custom", "v"), ("cookie", "a", "b c"), ("cookie", "d", "e"),
    }  # fmt: skip


def test_odd_path_segments() -> None:
    """A part of the path that is no plain name is an input by itself."""
    assert ("path_params", "", "x;id") in found(path="/ping/x;id/y")


def test_xml() -> None:
    """Attribute values and texts of an XML body are inputs; entities are not expanded."""
    got = found(
        body='<!DOCTYPE a [<!ENTITY e "x">]><a b="1 or 1=1">t&amp;u &e;</a>', headers=[("content-type", "text/xml")]
    )
    assert {("body", "", "1 or 1=1"), ("body", "", "t&u &e;")} <= got


HOSTILE = {
    "deep json": ("[" * 100_000, JSON),
    "deep json objects": ('{"a":' * 5000 + "1" + "}" * 5000, JSON),
    "surrogates": ('{"a": "\\ud800"}', JSON),
    "huge number": ('{"a": 1e999999999, "b": ' + "9" * 50_000 + "}", JSON),
    "not json": ('{"a": ', JSON),
    "many fields": ("&".join(f"a{n}=b{n}" for n in range(60_000)), FORM),
    "only separators": ("&=" * 100_000, FORM),
    "bad escapes": ("%%%zz=%u12%" * 5000, FORM),
    "no boundary": ("--xx\r\n\r\n", ("content-type", "multipart/form-data")),
    "many parts": ("--xx\r\n" * 50_000, MULTIPART),
    "odd disposition": ('--xx\r\nContent-Disposition: form-data; name="' + "\\" * 50_000 + "\r\n\r\nv", MULTIPART),
    "file name of bytes": ("--xx\r\nContent-Disposition: form-data; filename*=utf-8''%ff%fe\r\n\r\nv", MULTIPART),
    "xml": ("<a b='" * 50_000, ("content-type", "application/xml")),
    "nul": ("\x00" * 1000, ("content-type", "text/plain")),
    "noise": (random.Random(1).randbytes(60_000).decode("latin-1"), MULTIPART),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies(name: str) -> None:
    """No body raises, and what comes out is bounded and can be encoded."""
    body, header = HOSTILE[name]
    items = inputs_of(record(body=body, headers=[header], body_encoding="latin-1" if name == "noise" else "utf-8"))
    assert len(items) <= MAX_INPUTS
    assert sum(len(item.value) for item in items) <= MAX_TOTAL
    for item in items:
        assert isinstance(item, Input)
        item.value.encode()
        item.parameter.encode()


def test_the_last_of_too_many_fields_is_still_seen() -> None:
    """Thousands of fields do not hide the one behind them."""
    query = "&".join(f"a{n}=b" for n in range(5000)) + "&host=x%3Bid"
    assert any("x;id" in item.value for item in inputs_of(record(query=query)))
