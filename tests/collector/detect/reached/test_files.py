"""When an input leads out of a directory."""

from __future__ import annotations

import pytest

from collector.detect.reached.files import reached


@pytest.mark.parametrize(
    ("value", "path", "resolved"),
    [
        ("../../../../proc/version", "/srv/files/../../../../proc/version", "/proc/version"),
        ("../../../../proc/version", "/proc/version", "/proc/version"),
        ("../secret.txt", "/srv/files/../secret.txt", "/srv/secret.txt"),
        ("a/../../b", "files/a/../../b", "b"),
        ("../../etc/passwd", "files/../../etc/passwd", "../etc/passwd"),
        ("../../../etc/passwd", "/srv/f/../../../etc/passwd.txt", "/etc/passwd.txt"),
        ("/../../etc/passwd", "/srv/f//../../etc/passwd", "/etc/passwd"),
        ("/etc/passwd", "/etc/passwd", "/etc/passwd"),
        ("//etc/./passwd", "/etc/passwd", "/etc/passwd"),
        ("file:///etc/passwd", "/etc/passwd", "/etc/passwd"),
        ("../../etc/passwd\x00.png", "/srv/files/../../etc/passwd", "/etc/passwd"),
    ],
)
def test_leads_out(value: str, path: str, resolved: str) -> None:
    """By climbing, or by being absolute; the resolved path is told."""
    assert reached(value, path) == resolved


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("report.txt", "/srv/files/report.txt"),
        ("2026/report.txt", "/srv/files/2026/report.txt"),
        ("a/../b.txt", "/srv/files/a/../b.txt"),
        ("/b.txt", "/srv/files/b.txt"),
        ("../../../../etc/passwd", "/srv/files/passwd"),
        ("../../../../proc/version", "/usr/lib/python3/proc.py"),
        ("..", "/srv"),
        ("", "/etc/passwd"),
        ("/", "/"),
        ("wait.../what", "/srv/wait.../what"),
    ],
)
def test_stays(value: str, path: str) -> None:
    """Names beneath the directory, and files that have nothing to do with the input, are not reached."""
    assert reached(value, path) == ""
