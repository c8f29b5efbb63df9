"""References as `html.unescape` reads them."""

from __future__ import annotations

import html
import random
from html.entities import html5

from collector.detect.entities import unescape

PIECES = ["&", "#", ";", "x27", "39", "amp", "not", "in", "&#x3c", "&#60;", "&lt", " ", "\n", "=", "A", "<", "a" * 40]


def test_every_name() -> None:
    """Each name, with and without its semicolon and with more behind it, is what the standard library makes of it."""
    for name in html5:
        for text in (f"&{name}", f"&{name};", f"&{name[:-1]}x", f"a&{name}&{name[:2]}=1"):
            assert unescape(text) == html.unescape(text), text


def test_any_text() -> None:
    """Broken and joined references, too."""
    chance = random.Random(5)
    for _ in range(20_000):
        text = "".join(chance.choices(PIECES, k=8))
        assert unescape(text) == html.unescape(text), text
