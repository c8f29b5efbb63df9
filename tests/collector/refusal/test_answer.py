"""The whole answer to a stopped request."""

from __future__ import annotations

import json

import pytest

from collector.refusal.answer import answer, filled
from collector.refusal.settings import PLACEHOLDER, ResponseSettings
from collector.refusal.template import Template
from collector.wire.agent import RequestRecord, Verdict, VerdictFinding

ID = "1f2e3d4c5b6a7988"
HTML = "text/html,*/*;q=0.8"
NO_STORE = ("Cache-Control", "no-store")


def test_json() -> None:
    """Whoever does not ask for HTML gets JSON of the documented shape, with the id."""
    status, headers, body = answer(Template(), "", ID)
    assert (status, headers) == (403, [("Content-Type", "application/json"), NO_STORE])
    value = json.loads(body)
    assert set(value) == {"errors", "security_response_id"}
    assert value["security_response_id"] == ID
    assert [set(error) for error in value["errors"]] == [{"title", "detail"}]
    assert value["errors"][0]["title"] == "You've been blocked"


def test_html() -> None:
    """A browser gets a page with the id."""
    status, headers, body = answer(Template(), HTML, ID)
    assert (status, headers) == (403, [("Content-Type", "text/html; charset=utf-8"), NO_STORE])
    assert body.startswith("<!doctype html>")
    assert f"Security response id: {ID}" in body


@pytest.mark.parametrize(
    ("kind", "accept", "media"),
    [
        ("html", "application/json", "text/html; charset=utf-8"),
        ("json", HTML, "application/json"),
        ("none", HTML, None),
    ],
)
def test_type(kind: str, accept: str, media: str | None) -> None:
    """A type that is set counts, whatever the client would rather have."""
    _, headers, body = answer(Template(kind), accept, ID)
    assert (dict(headers).get("Content-Type"), bool(body)) == (media, media is not None)


@pytest.mark.parametrize("status", [200, 204, 205, 304, 418, 599])
def test_status(status: int) -> None:
    """Any status can be set; those that have no body get none."""
    found, headers, body = answer(Template(status=status), HTML, ID)
    bodiless = status in (204, 205, 304)
    assert (found, not body, "Content-Type" not in dict(headers)) == (status, bodiless, bodiless)


def test_redirect() -> None:
    """A location goes before the page, and holds the id where it has the placeholder."""
    template = Template(location=f"/sorry?id={PLACEHOLDER}", redirect_status=307)
    assert answer(template, HTML, ID) == (307, [("Location", f"/sorry?id={ID}"), NO_STORE], "")


def test_custom_templates() -> None:
    """Every placeholder is replaced."""
    template = Template(html=f"<b>{PLACEHOLDER}</b>{PLACEHOLDER}", json=f'["{PLACEHOLDER}"]')
    assert answer(template, HTML, ID)[2] == f"<b>{ID}</b>{ID}"
    assert answer(template, "*/*", ID)[2] == f'["{ID}"]'


def test_filled() -> None:
    """A verdict keeps what it said and gets the answer; several Accept headers are one list."""
    request = RequestRecord(ID, "start", headers=[("accept", "application/json;q=0.1"), ("Accept", "text/html")])
    findings = [VerdictFinding("a-1", "xss", "q")]
    verdict = filled(Verdict("block", 403, ID, findings), request, Template(status=451))
    assert (verdict.action, verdict.status, verdict.response_id, verdict.findings) == ("block", 451, ID, findings)
    assert (verdict.body or "").startswith("<!doctype html>")


def test_nothing_of_the_request_is_repeated() -> None:
    """Whatever a client sends, the answer is the same but for the id."""
    evil = "<script>evil</script>"
    request = RequestRecord(
        ID, "start", method=evil, host=evil, path=evil, query=evil, target=evil, body=evil,
        headers=[("accept", f"text/html, {evil}"), (evil, evil)],
    )  # fmt: skip
    assert "evil" not in str(filled(Verdict("block", 403, ID), request, Template()))


def test_the_template_is_what_the_settings_say() -> None:
    """The defaults of the settings are those of the template."""
    settings, template = ResponseSettings(), Template()
    names = ("type", "status", "redirect_status")
    assert [getattr(settings, n) for n in names] == [getattr(template, n) for n in names]


def test_too_many_requests() -> None:
    """A verdict of 429 keeps its status and Retry-After, and is no redirect, whatever others get; a page of the site's
    own is still the site's own."""
    verdict = Verdict("block", 429, ID, [], [("Retry-After", "7")])
    request = RequestRecord(ID, "start", headers=[("accept", "application/json")])
    elsewhere = Template(status=403, location="/sorry")
    done = filled(verdict, request, elsewhere)
    assert (done.status, done.headers[0]) == (429, ("Retry-After", "7"))
    assert "Location" not in dict(done.headers)
    assert json.loads(done.body or "")["errors"][0]["title"] == "Too many requests"
    assert "<h1>Too many requests</h1>" in answer(Template().too_many(), HTML, ID)[2]
    own = Template(html=f"<p>{PLACEHOLDER}</p>")
    assert answer(own.too_many(), HTML, ID)[2] == f"<p>{ID}</p>"
