"""Which kernel events confirm a finding."""

from __future__ import annotations

import doctest

import pytest

from collector.correlate import ladder
from collector.model import Operation, Verdict
from tests.collector.correlate.support import STATEMENT, VALUE, cat, event, finding, shell

SHELL = (Operation(0, "shell", text=STATEMENT),)


def test_shell_and_what_it_ran() -> None:
    """The shell that carries the input and every exec below it are evidence, an unrelated exec is not."""
    other = event("exec", 30, 1500, parent_pid=1000, argv=("date",))
    assert ladder.evidence(finding(), SHELL, (shell(), cat(), other)) == {0, 1}


def test_white_space_does_not_matter() -> None:
    """The command line is compared with runs of white space as one blank."""
    tidied = event("exec", 10, 1001, argv=("sh", "-c", "echo -c1 x;cat /etc/hostname"))
    assert ladder.evidence(finding(statement=""), SHELL, (tidied,)) == {0}


def test_descent_by_forks() -> None:
    """An exec two forks below the shell descends from it, also when its own parent is not told."""
    forks = (event("fork", 12, 1001, child_pid=1002), event("fork", 14, 1002, child_pid=1003))
    assert ladder.evidence(finding(), SHELL, (shell(), *forks, cat(pid=1003, parent_pid=0))) == {0, 3}


def test_the_shells_own_second_exec() -> None:
    """A shell that replaces itself with its last command is the same process: that exec is evidence."""
    assert ladder.evidence(finding(), SHELL, (shell(), cat(pid=1001))) == {0, 1}


def test_before_the_shell() -> None:
    """What a process did before it became the reached shell's child is not its doing."""
    assert ladder.evidence(finding(), SHELL, (cat(time=5), shell())) == {1}


def test_circular_lineage() -> None:
    """Parents that point at each other (pids used again) end the search."""
    loop = (event("exec", 11, 7, parent_pid=8, argv=("a",)), event("exec", 12, 8, parent_pid=7, argv=("b",)))
    assert ladder.evidence(finding(), SHELL, (shell(), *loop)) == {0}


def test_an_argument_is_not_confirmed() -> None:
    """An input that is passed as one argument, of a program or in quotes to a shell, was attempted, no more."""
    argument = event("exec", 10, 1001, argv=("echo", "-c1", VALUE), path="/bin/echo")
    quoted = event("exec", 10, 1001, argv=("sh", "-c", f"echo '{VALUE}'"), path="/bin/sh")
    assert ladder.evidence(finding(Verdict.ATTEMPTED), (), (argument, quoted)) == set()


def test_a_shell_that_no_hook_saw() -> None:
    """An attempt is confirmed where the kernel shows a shell that was given it as code."""
    assert ladder.evidence(finding(Verdict.ATTEMPTED), (), (cat(time=5), shell())) == {1}


def test_a_file_that_no_hook_saw() -> None:
    """An attempt is confirmed where the kernel shows a file used whose directory the input chose."""
    climbing = finding(Verdict.ATTEMPTED, "path_traversal", probe_text="../../proc/version")
    opened = event("open", 10, path="/srv/files/../../proc/version", result=7)
    missing = event("open", 10, path="/srv/files/../../proc/version", result=-2)
    other = event("open", 10, path="/srv/files/version", result=7)
    assert ladder.evidence(climbing, (), (other, missing, opened)) == {2}


def test_blocked_is_not_confirmed() -> None:
    """A blocked operation had no effect."""
    assert ladder.evidence(finding(), (Operation(0, "shell", blocked=True),), (shell(),)) == set()


def test_truncated_command_line() -> None:
    """A command line that the kernel side cut matches by its beginning, when enough of it is there."""
    long = "echo " + "a" * 500 + ";id"
    cut = event("exec", 1, 1001, argv=("sh", "-c", long[:200]), argv_truncated=True)
    short = event("exec", 1, 1002, argv=("sh", "-c", long[:6]), argv_truncated=True)
    wanted = finding(statement=long, probe_text=";id" + "x" * 300)
    assert ladder.evidence(wanted, SHELL, (cut, short)) == {0}


def test_short_input_must_be_a_word() -> None:
    """An input of two letters does not match in the middle of another word."""
    wanted = finding(statement="", probe_text="id")
    words = (event("exec", 1, 1, argv=("validate",)), event("exec", 1, 2, argv=("sh", "-c", "id")))
    assert ladder.evidence(wanted, SHELL, words) == {1}


@pytest.mark.parametrize(
    ("opened", "result", "expected"),
    [
        ("/srv/files/../../etc/passwd", 3, {0}),
        ("/etc/passwd", 3, {0}),
        ("//etc//passwd", 3, {0}),
        ("/etc/passwd", -2, set()),
        ("/etc/passwd-", 3, set()),
        ("etc/passwd", 3, set()),
    ],
)
def test_open(opened: str, result: int, expected: set[int]) -> None:
    """A successful open of the same path, however it is spelled, confirms a traversal."""
    wanted = finding(category="path_traversal", statement="/srv/files/../../etc/passwd")
    assert ladder.evidence(wanted, (), (event("open", 1, path=opened, result=result),)) == expected


@pytest.mark.parametrize(
    ("url", "resolved", "address", "port", "expected"),
    [
        ("http://127.0.0.1:8001/x", (), "127.0.0.1", 8001, {0}),
        ("http://127.1:8001/", (), "127.0.0.1", 8001, {0}),
        ("http://0x7f000001:8001/", (), "127.0.0.1", 8001, {0}),
        ("http://2130706433:8001/", (), "127.0.0.1", 8001, {0}),
        ("http://0.0.0.0:8001/", (), "127.0.0.1", 8001, {0}),
        ("http://localhost:8001/", (), "::1", 8001, {0}),
        ("http://[::ffff:10.0.0.5]/", (), "10.0.0.5", 80, {0}),
        ("https://inside.example/", ("10.0.0.5",), "10.0.0.5", 443, {0}),
        ("inside.example:5432", ("10.0.0.5",), "10.0.0.5", 5432, {0}),
        ("https://inside.example/", (), "10.0.0.5", 443, set()),
        ("http://127.0.0.1:8001/", (), "127.0.0.1", 8002, set()),
        ("http://127.0.0.1:8001/", (), "127.0.0.2", 8001, set()),
        ("http://127.0.0.1:99999/", (), "127.0.0.1", 8001, set()),
        ("http://[::1", (), "::1", 80, set()),
    ],
)
def test_connect(url: str, resolved: tuple[str, ...], address: str, port: int, expected: set[int]) -> None:
    """A connect to the address that the URL means, in any spelling, at its port, confirms a forged request."""
    wanted = finding(category="ssrf", statement=url)
    connect = event("connect", 1, family="ipv4", address=address, port=port, result=-111)
    assert ladder.evidence(wanted, (Operation(0, "url", text=url, resolved=resolved),), (connect,)) == expected


def test_a_connect_that_a_policy_denied() -> None:
    """It never left the host: nothing is confirmed."""
    wanted = finding(category="ssrf", statement="http://127.0.0.1:8001/")
    connect = event("connect", 1, family="ipv4", address="127.0.0.1", port=8001, result=-1)
    assert ladder.evidence(wanted, (Operation(0, "url", text=wanted.statement),), (connect,)) == set()


def test_file_url() -> None:
    """A file URL is confirmed by the open of its path."""
    wanted = finding(category="ssrf", statement="file:///etc/passwd")
    assert ladder.evidence(wanted, (), (event("open", 1, path="/etc/passwd", result=3),)) == {0}


def test_examples() -> None:
    """The examples in the documentation hold."""
    assert doctest.testmod(ladder).failed == 0


@pytest.mark.parametrize(
    ("kind", "category", "probe", "fields", "confirmed"),
    [
        ("code", "code_injection", "import os;os.system('id')", {"kind": "exec", "argv": ("sh", "-c", "id")}, True),
        ("code", "code_injection", "chr(105)+'d'", {"kind": "exec", "argv": ("sh", "-c", "id")}, True),
        ("code", "code_injection", "chr(105)+'d'", {"kind": "exec", "argv": ("sh", "-c", "id"), "time": 90}, False),
        ("template", "template_injection", "{{x.popen('id')}}", {"kind": "exec", "argv": ("sh", "-c", "id")}, True),
        ("template", "template_injection", "{{x.popen(y)}}", {"kind": "exec", "argv": ("sh", "-c", "id")}, False),
        ("template", "template_injection", "{{open('/srv/x')}}", {"kind": "open", "path": "/srv/x"}, True),
        ("deserialize", "deserialization", "cposix\nsystem", {"kind": "exec", "argv": ("sh", "-c", "id")}, True),
        ("xml", "xxe", "file:///srv/x", {"kind": "open", "path": "/srv/x"}, True),
        ("xml", "xxe", "/srv/x", {"kind": "open", "path": "/srv/y"}, False),
        ("xml", "xxe", "http://127.0.0.1:81/", {"kind": "connect", "address": "127.0.0.1", "port": 81}, True),
        ("file", "path_traversal", "../x", {"kind": "delete", "path": "/srv/../x"}, True),
    ],
)
def test_what_code_does(kind: str, category: str, probe: str, fields: dict[str, object], confirmed: bool) -> None:
    """What is executed while the input's code runs, or is named by it; what an entity names; what is done to a file."""
    told = {"time": 15, **fields}
    seen = event(str(told.pop("kind")), told.pop("time"), 1001, **told)  # type: ignore[arg-type]
    operation = Operation(0, kind, start_time=seen.time - 5 if fields.get("time") != 90 else 0, duration=20, text="/x")
    found = finding(category=category, stage=Verdict.REACHED, probe_text=probe, statement="", operation_index=0)
    assert (ladder.evidence(found, (operation,), (seen,)) == {0}) == confirmed
