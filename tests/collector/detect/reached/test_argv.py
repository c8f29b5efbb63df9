"""When an input decides what a program does."""

from __future__ import annotations

import pytest

from collector.detect.reached.argv import reached, reached_line


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


@pytest.mark.parametrize(
    ("value", "line", "expected"),
    [
        ("-c 'uname -a'", "/bin/bash -c 'uname -a'", "-c"),
        ("-c import.os", "python3 -c import.os x", "-c"),
        ("-o /srv/x http://cw.example/", "curl -s -o /srv/x http://cw.example/", "-o"),
        ("'--checkpoint-action=exec=x'", "tar cf x.tar '--checkpoint-action=exec=x'", "--checkpoint-action=exec=x"),
        ("x;id", "ping x;id", "x;id"),
    ],
)
def test_line(value: str, line: str, expected: str) -> None:
    """In a line for a shell, too, an option that runs or writes something is reached; and what acts there."""
    assert reached_line(value, line) == expected
    assert reached(value, ["sh", "-c", line]) == expected


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("-c 'uname -a'", "grep -r \"-c 'uname -a'\" notes"),
        ("-c", "ls -c"),
        ("-o x", "curl -s 'http://cw.example/?q=-o x'"),
        ("--exec", "git log -- --exec"),
        ("notes -old", "/bin/bash notes -old"),
        ("-", "tar -c -"),
    ],
)
def test_line_with_data(value: str, line: str) -> None:
    """Words that are data, and options that only show something, are not reached."""
    assert reached_line(value, line) == ""
