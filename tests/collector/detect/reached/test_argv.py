"""When an input decides what a program does."""

from __future__ import annotations

import pytest

from collector.detect.reached.argv import reached


@pytest.mark.parametrize(
    ("value", "argv"),
    [
        ("/bin/sh", ["/bin/sh", "x"]),
        ("nc", ["nc"]),
        ("/tmp/x", ["env", "A=1", "/tmp/x"]),
        ("x;id", ["sh", "-c", "ping x;id"]),
        ("x;id", ["/bin/bash", "-lc", "ping x;id"]),
        ("x;id", ["sudo", "-n", "bash", "-c", "ping x;id"]),
        ("id", ["sh", "-c", "id"]),
        ("import os", ["python3", "-c", "import os"]),
        ("--checkpoint-action=exec=sh", ["tar", "cf", "x.tar", "--checkpoint-action=exec=sh"]),
        ("-oProxyCommand=id", ["ssh", "-oProxyCommand=id", "host"]),
        ("--upload-pack=id", ["/usr/bin/git", "clone", "--upload-pack=id"]),
        ("-exec", ["find", ".", "-exec", "id"]),
    ],
)
def test_decides(value: str, argv: list[str]) -> None:
    """The program, the text of a shell or an interpreter, and options that run or write something."""
    assert reached(value, argv) == value


@pytest.mark.parametrize(
    ("value", "argv"),
    [
        ("x;id", ["ping", "-c1", "x;id"]),
        ("x;id", ["sh", "-c", "ping 'x;id'"]),
        ("x;id", ["sh", "-c", 'ping "$1"', "sh", "x;id"]),
        ("--checkpoint-action=exec=sh", ["tar", "cf", "x.tar", "--", "--checkpoint-action=exec=sh"]),
        ("--checkpoint-action=exec=sh", ["echo", "--checkpoint-action=exec=sh"]),
        ("--verbose", ["tar", "--verbose"]),
        ("report.txt", ["tar", "cf", "x.tar", "report.txt"]),
        ("x", ["x"]),
        ("anything", []),
    ],
)
def test_is_an_argument(value: str, argv: list[str]) -> None:
    """An argument that is only data is not reached, whatever it looks like."""
    assert reached(value, argv) == ""
