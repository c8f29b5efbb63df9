"""Curl commands and HAR files to requests."""

from __future__ import annotations

import json

import pytest

from collector.cli.plain_request import RequestError, from_curl, from_har


def test_curl() -> None:
    """Method, target, headers and body as curl would send them."""
    made = from_curl("curl -s 'https://u:p@h:8/a%20b?x=1' -H 'X-A: b' -b k=v --data-urlencode 'n=a b' -d m=2")
    assert (made.method, made.target, made.path, made.query) == ("POST", "/a%20b?x=1", "/a b", "x=1")
    assert made.body == "n=a%20b&m=2"
    assert {("host", "h:8"), ("x-a", "b"), ("cookie", "k=v")} <= set(made.headers)
    assert from_curl("curl -G h -d a=1").target == "/?a=1"
    assert from_curl("curl -X DELETE h --json '{}'").method == "DELETE"


@pytest.mark.parametrize(
    "command", ["wget x", "curl", "curl -H", "curl 'h", "curl h -F a=b", "curl h -d @/etc/passwd"]
)
def test_what_is_no_request(command: str) -> None:
    """No request is made of what curl would not send, nor of files."""
    with pytest.raises(RequestError):
        from_curl(command)


def test_har() -> None:
    """Every entry is a request; what is no archive is refused."""
    entry = {"request": {"method": "PUT", "url": "http://h/a?b=c", "headers": [{"name": "X", "value": "y"}],
                         "postData": {"text": "z"}}}  # fmt: skip
    (made,) = from_har(json.dumps({"log": {"entries": [entry]}}))
    assert (made.method, made.target, made.body) == ("PUT", "/a?b=c", "z")
    for text in ("", "[]", '{"log": 1}', '{"log": {"entries": [{}]}}'):
        with pytest.raises(RequestError):
            from_har(text)
