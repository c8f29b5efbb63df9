"""Untrusted text on a terminal."""

from __future__ import annotations

import io

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from collector.cli import text

HOSTILE = "\x1b[31m\x1b]0;owned\x07\r\n\x9b2J\u202egpj.exe\u200b\x00\x7f\ud800[bold]x[/bold] :smile: \u2028\ufeff"


def test_nothing_is_left_that_a_terminal_obeys() -> None:
    """Control characters, direction changes and invisible characters are spelled out; the rest stays."""
    shown = text.clean(HOSTILE + "h\u00e9llo \u4e16")
    assert all(char.isprintable() for char in shown)
    assert "\\x1b[31m" in shown
    assert "\\u202egpj.exe" in shown
    assert shown.endswith("h\u00e9llo \u4e16")
    assert shown.encode()


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0xE0041, 0xD800])
def test_every_control_character(number: int) -> None:
    """No single one of them gets through."""
    assert chr(number) not in text.clean(chr(number))


def test_length() -> None:
    """Text is cut at the limit, and says so."""
    assert text.clean("a" * 100, 10) == "aaaaaaaaaa..."


def test_markup_is_only_text() -> None:
    """Rich's markup and emoji codes in untrusted text are printed as they are."""
    out = io.StringIO()
    Console(file=out, markup=False, emoji=False, width=200).print(
        text.untrusted("[red]x[/red] :smile: [link=http://e]y")
    )
    assert out.getvalue() == "[red]x[/red] :smile: [link=http://e]y\n"


def test_times_and_addresses() -> None:
    """Times are UTC with the date; an empty one is a dash; IPv6 takes brackets."""
    stamp = Timestamp(seconds=1_790_000_000, nanos=7_000_000)
    assert text.when(stamp) == "09-21 14:13:20"
    assert text.when(stamp, full=True) == "2026-09-21 14:13:20.007 UTC"
    assert text.when(Timestamp()) == "-"
    assert (text.address("::1", 443), text.address("10.0.0.1", 0)) == ("[::1]:443", "10.0.0.1")
    assert (text.milliseconds(1_500_000), text.milliseconds(2_000_000_000)) == ("1.5 ms", "2.00 s")
