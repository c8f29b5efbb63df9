"""Which of two media types a client would rather have."""

from __future__ import annotations

import doctest

import pytest

from collector.refusal import accept
from collector.refusal.accept import prefers

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("header", "html"),
    [
        ("", False),
        ("*/*", False),
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("text/*", True),
        ("application/json", False),
        ("application/*", False),
        ("application/json, text/plain, */*", False),  # axios
        ("text/html, application/json", False),  # as much the one as the other
        ("text/html;q=0.9, application/json;q=0.8", True),
        ("text/html;q=0.8, application/json;q=0.9", False),
        ("application/json;q=0.8,text/html ; q=0.9", True),
        ("text/html;level=1;q=0.5, application/json;q=0.4", True),
        ("text/html, */*", True),  # named, the other is not
        ("text/html;q=0.1, */*;q=0.5", False),
        ("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", True),
        ("text/html;q=0, */*", False),
        ("text/*, text/html;q=0", False),
        ("application/json;q=0, */*", True),
        ("text/html;q=0", False),
        ("text/html;q=0, application/json;q=0", False),
        ("text/html;q=much, application/json;q=0.1", False),
        ("text/html;q=2", False),
        ("text/html;q=-1", False),
        ("text/html;q=nan", False),
        ("text/html;q=inf", False),
        ("text/html;q=", False),
        ("text/html;q=0.5;q=0.9, application/json;q=0.7", False),
        (",;,=;q, text/html ,", True),
        ("text/htmlx, texthtml, html", False),
        ("a," * 10_000 + "text/html", False),  # beyond what is looked at
        ("text/html;" * 10_000, True),
        ("\u0130text/html, \udcff", False),
    ],
)
def test_prefers(header: str, html: bool) -> None:
    """HTML is for clients that would rather have it than JSON, by quality and then by closeness; never for others."""
    assert prefers(header, "text/html", "application/json") is html


def test_examples() -> None:
    """The examples of the module's words hold."""
    assert doctest.testmod(accept).failed == 0
