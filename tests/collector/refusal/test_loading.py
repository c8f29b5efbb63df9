"""What is read and checked before the first request."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.config import ConfigError, parse
from collector.refusal.loading import MAX_TEMPLATE, load
from collector.refusal.settings import ResponseSettings
from collector.refusal.template import HTML, JSON


def test_templates_are_read(tmp_path: Path) -> None:
    """Files take the place of the built-in texts, the largest allowed ones too."""
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    page.write_text("\ufeff<p>caf\u00e9</p>", "utf-8")
    data.write_text('"' + "x" * (MAX_TEMPLATE - 2) + '"')
    template = load(ResponseSettings(html_template=str(page), json_template=str(data)))
    assert (template.html, len(template.json)) == ("<p>caf\u00e9</p>", MAX_TEMPLATE)


def test_built_in() -> None:
    """Without files the built-in texts stand."""
    template = load(ResponseSettings())
    assert (template.html, template.json, template.location) == (HTML, JSON, "")


@pytest.mark.parametrize(
    ("setting", "content", "message"),
    [
        ("html_template", None, "No such file"),
        ("html_template", b"\xff\xfe", "is not UTF-8 text"),
        ("html_template", b"x" * (MAX_TEMPLATE + 1), "is larger than 65536 bytes"),
        ("html_template", b" \n", "is empty"),
        ("json_template", b"{'a': 1}", "is not JSON"),
        ("json_template", b"[" * 60_000, "is not JSON"),
    ],
)
def test_bad_templates(tmp_path: Path, setting: str, content: bytes | None, message: str) -> None:
    """A template that cannot be used is an error of the configuration that names the setting and the file."""
    path = tmp_path / "the-template"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^some\.toml: response\.{setting}: .*the-template.*{message}"):
        parse(f'[response]\n{setting} = "{path}"\n', "some.toml")


@pytest.mark.parametrize(
    "location",
    ["/", "/sorry", "/a?id=[security_response_id]", "https://help.example/", "http://[::1]:8080/x", "HTTPS://a/b"],
)
def test_locations(location: str) -> None:
    """Absolute http and https URLs and absolute paths are taken as they are."""
    with capture_logs() as logged:
        assert load(ResponseSettings(redirect_location=location)).location == location
    assert logged == []


@pytest.mark.parametrize(
    "location",
    [
        "sorry", "./sorry", "?a", "//evil.example/", "/\\evil.example", "https:evil", "https:///evil", "https://",
        "javascript:alert(1)", "ftp://a/b", "data:text/html,x", "/a\r\nSet-Cookie: a=b", "/caf\u00e9", "/a b",
        "https://a:99999/", "https://[::1", "https://[security_response_id",
    ],
)  # fmt: skip
def test_other_locations(location: str) -> None:
    """With anything else the page is sent, and the log says why."""
    with capture_logs() as logged:
        assert load(ResponseSettings(redirect_location=location)).location == ""
    assert [repr(location) in one["reason"] for one in logged] == [True]


def test_other_redirect_statuses() -> None:
    """So it is with a status that is no such redirect."""
    with capture_logs() as logged:
        assert load(ResponseSettings(redirect_location="/", redirect_status=308)).location == ""
    assert ["308" in one["reason"] for one in logged] == [True]
