"""32-bit processes on this 64-bit kernel: real ones, of the interpreter that tests/matrix/obtain.py unpacked."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.witness import is_narrow
from tests.matrix.interpreters import interpreter, missing
from tests.probes.conftest import refusal
from tests.probes.support import Core, Marked, probes

NAME = "3.11-i686"


@pytest.fixture(scope="module")
def python32() -> str:
    """A 32-bit interpreter; skips where there is none, or where such programs do not run."""
    if platform.machine() != "x86_64":
        pytest.skip(f"32-bit programs on {platform.machine()} are not witnessed")
    if not (path := interpreter(NAME)):
        pytest.skip(missing(NAME))
    return path


@pytest.fixture(scope="module", params=[(), ("--no-structures",)], ids=["structures", "plain"])
def own(request: pytest.FixtureRequest, python32: str) -> Iterator[tuple[Core, int]]:
    """A core with probes of its own, and their pid; with the kernel's structures and without."""
    with probes(*request.param) as (core, process):
        if reason := refusal(core):
            pytest.skip(f"no BPF here: {reason}")
        yield core, process.pid


def listens(pid: int) -> bool:
    """Whether this process holds a raw tracepoint of all system calls."""
    told = []
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            told.append(info.read_text())
    return any("sys_enter" in text for text in told)


def test_marks_arguments_codes(own: tuple[Core, int], python32: str) -> None:
    """All 62 bits of a mark arrive; its children are told with arguments and exit codes, 32-bit ones too."""
    core, number = own[0], 0x2ABC567812345678
    marked = Marked(f"""
        mark({number})
        os.system("/bin/echo one 'two three' > /dev/null; exit 7")
        if not os.fork():
            os.execv(sys.executable, [sys.executable, "-c", "import os; os._exit(5)"])
        os.wait()
        mark(0)
        os.system("exit 9")
    """, python=python32)  # fmt: skip
    assert core.register(marked.pid) == []
    marked.go()
    core.until(lambda: len([e for e in core.of(number) if e.kind == "exit"]) == 3)
    core.stats()
    executed = [event.argv for event in core.of(number) if event.kind == "exec"]
    assert [words[:2] for words in executed] == [("sh", "-c"), ("/bin/echo", "one"), (python32, "-c")]
    assert sorted(e.exit_code for e in core.of(number) if e.kind == "exit") == [0, 5 << 8, 7 << 8]


def test_only_while_needed(own: tuple[Core, int], python32: str) -> None:
    """The tracepoint of all system calls is attached for a registered 32-bit process, and gone after its end."""
    core, pid = own
    core.until(lambda: not listens(pid))
    wide, narrow = Marked("pass"), Marked("pass", python=python32)
    core.register(wide.pid)
    assert not listens(pid)
    assert (is_narrow(wide.pid), is_narrow(narrow.pid)) == (False, True)
    core.register(narrow.pid)
    assert listens(pid)
    narrow.go()
    core.until(lambda: not listens(pid))
    wide.go()
