"""The answer to one stopped request. Nothing of the request is repeated in it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from collector.refusal.accept import prefers
from collector.refusal.settings import PLACEHOLDER
from collector.refusal.template import TOO_MANY, Template
from collector.wire.agent import RequestRecord, Verdict

HTML, JSON = "text/html", "application/json"
BODILESS = (204, 205, 304)
"""Statuses whose answers have no body (RFC 9110)."""

NO_STORE = ("Cache-Control", "no-store")


def filled(verdict: Verdict, request: RequestRecord, template: Template) -> Verdict:
    """A verdict that blocks, with the whole answer that the agent is to give. One that says 429 stays so, with its own
    headers, whatever others are answered with."""
    if verdict.status == TOO_MANY:
        template = template.too_many()
    status, headers, body = answer(template, _accept(request.headers), verdict.response_id)
    return Verdict(verdict.action, status, verdict.response_id, verdict.findings, [*verdict.headers, *headers], body)


def answer(template: Template, accept: str, response_id: str) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers and body. The length is the agent's to say, as it is to leave the body out for HEAD."""
    if template.location:
        location = template.location.replace(PLACEHOLDER, response_id)
        return template.redirect_status, [("Location", location), NO_STORE], ""
    kind = template.type
    if kind == "none" or template.status in BODILESS:
        return template.status, [NO_STORE], ""
    if kind == "html" or (kind == "auto" and prefers(accept, HTML, JSON)):
        page, content_type = template.html, f"{HTML}; charset=utf-8"
    else:
        page, content_type = template.json, JSON
    headers = [("Content-Type", content_type), NO_STORE]
    return template.status, headers, page.replace(PLACEHOLDER, response_id)


def _accept(headers: Iterable[tuple[str, str]]) -> str:
    """The Accept header; several of them are one list."""
    return ",".join(value for name, value in headers if name.lower() == "accept")
