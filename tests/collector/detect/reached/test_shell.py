"""When an input is code in a shell's command line."""

from __future__ import annotations

import shlex

import pytest

from collector.detect.reached.shell import CommandLine, read

VALUES = [
    "x;cat /proc/version", "x; id", "$(id)", "`id`", "a | id", "a && id", "a\nid", "x > /tmp/y", "a & b",
    "x' ; id '", 'x"; id "',
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_unquoted(value: str) -> None:
    """Control characters that stand unquoted are code."""
    assert CommandLine("echo -c1 " + value).reached(value) == (value if value[1:2] not in "'\"" else "")


@pytest.mark.parametrize("value", VALUES)
def test_quoted_by_shlex(value: str) -> None:
    """What was quoted as it should be never is."""
    assert CommandLine("echo -c1 " + shlex.quote(value)).reached(value) == ""


@pytest.mark.parametrize(
    ("line", "value", "code"),
    [
        ('ping "x;id"', "x;id", False),
        ('ping "$(id)"', "$(id)", True),
        ('ping "`id`"', "`id`", True),
        ('ping "x" ; id ""', 'x" ; id "', True),
        ("ping 'x' ; id ''", "x' ; id '", True),
        ("ping '$(id)'", "$(id)", False),
        ("ping x\\;id", "x\\;id", False),
        ('echo "$(cat a;id)"', "a;id", True),
        ('echo "`cat a`;x y"', ";x y", False),
        ("cat /etc/passwd", "cat /etc/passwd", True),
        ("ping 127.0.0.1", "127.0.0.1", False),
        ("echo two words", "two words", False),
        ("ping -c 1 host # x;id", "x;id", False),
        ("id", "id", False),
        ("ping ${HOME:-$(id)}", "$(id)", True),
        ("mv a My file (final).txt", "My file (final).txt", False),
        ("a=$(cat x) y)", "x) y", True),
        ("(id)", "(id)", True),
        ("cat <(id)", "<(id)", True),
        ("cat x;( id)", "( id)", True),
        ("nothing of it", "x;id", False),
    ],
)
def test_lines(line: str, value: str, code: bool) -> None:
    """Quoting decides, as the shell reads it; substitution works within double quotes too."""
    assert bool(CommandLine(line).reached(value)) is code


def test_shortened_by_the_app() -> None:
    """An app that strips the input does not hide it."""
    assert CommandLine("ping x;id").reached(" x;id ") == "x;id"


@pytest.mark.parametrize(
    "line",
    ["", "'", '"', "$(" * 30_000, "`" * 60_001, "\\", '"$(' * 20_000, ";" * 60_000, "${", "#", ")" * 9, "( " * 30_000],
)
def test_any_line_can_be_read(line: str) -> None:
    """Lines that no shell would take are read to their end."""
    reading = read(line)
    assert all(0 <= at < len(line) for at in reading.control)
    assert all(start < end <= len(line) + 1 for start, end in reading.words)
