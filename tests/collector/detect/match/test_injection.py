"""libinjection's tokens, and which of its findings count."""

from __future__ import annotations

import pytest

from collector.detect.match import injection

pytestmark = pytest.mark.skipif(not injection.AVAILABLE, reason="libinjection could not be built here")


@pytest.mark.parametrize(
    "text", ["1' or '1'='1", "-1 union select 1,2", "x\x00' or 1=1--", "\udc80' or 1=1--", "'||'x"]
)
def test_sql(text: str) -> None:
    """An injection is one, whatever characters surround it."""
    assert injection.surely_sql(text)


@pytest.mark.parametrize(
    "text",
    ["it's 'fine' or 'good'", "salt 'n' vinegar", '__all__ = ("date", "time")', "a = b", "7/Ab3x--", 'THE "+" KEY'],
)
def test_what_people_write(text: str) -> None:
    """Prose and code that libinjection may take for SQL do not count."""
    assert not injection.surely_sql(text)


def test_scripts() -> None:
    """Markup that runs a script is found, markup that does not passes."""
    assert injection.xss("<svg onload=cw(7)>")
    assert not injection.xss("<b>bold</b>")


def test_long_texts_are_cut() -> None:
    """No more than MAX_TEXT characters are looked at."""
    assert not injection.surely_sql("a" * injection.MAX_TEXT + "' or 1=1--")
