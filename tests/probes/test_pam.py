"""The host's libpam, found and understood, and what it answers, told with who asked."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from probes import pam
from tests.probes.support import ROOT, Core, Marked, probes

DENY = """
import ctypes
import os
import subprocess
import sys
pam = ctypes.CDLL("libpam.so.0")
class Conversation(ctypes.Structure):
    _fields_ = [("function", ctypes.c_void_p), ("data", ctypes.c_void_p)]
handle, folder = ctypes.c_void_p(), sys.argv[1].encode()
pam.pam_start_confdir(b"gate", b"ada", ctypes.byref(Conversation()), folder, ctypes.byref(handle))
pam.pam_set_item(handle, 4, b"desk.example")
pam.pam_set_item(handle, 3, b"tty7")
mark(0x801)
pam.pam_authenticate(handle, 0)
pam.pam_open_session(handle, 0)
subprocess.run(["/bin/true"])
subprocess.run(["/bin/sh", "-c", "/bin/true; exit 0"])
pam.pam_close_session(handle, 0)
"""


@pytest.fixture
def library() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(pam.LIBRARY)
    except OSError as error:
        pytest.skip(f"no PAM here: {error}")


def test_the_functions_are_in_the_file(library: ctypes.CDLL) -> None:
    """A function's place in the file holds the very bytes that stand in memory."""
    for name in pam.FUNCTIONS:
        path, offset = pam.location(library, name)
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        assert address
        with Path(path).open("rb") as file:
            file.seek(offset + 1)  # on the first byte somebody's trap may stand
            assert file.read(31) == ctypes.string_at(address + 1, 31)


def test_in_a_container() -> None:
    """Where the first process has other mounts, the libpam that is here is not the host's."""
    try:
        os.readlink("/proc/1/ns/mnt")
    except OSError as error:
        pytest.skip(f"the first process cannot be asked here: {error}")
    code = "from probes import pam; print(pam.among_other_files())"
    here, there = (
        subprocess.run([*words, sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        for words in ([], ["unshare", "--mount"])
    )
    if there.returncode:
        pytest.skip(f"no mount namespaces here: {there.stderr.strip()}")
    assert (here.stdout, there.stdout) == ("False\n", "True\n")


CONTAINER = """set -e
for library in $(ls {places} 2>/dev/null | grep -E 'lib(pam|audit)[.]so[.][0-9]+$'); do
  [ ! "$library" -ef "$0/$(basename "$library")" ] || continue
  cp -L "$library" "$0/$(basename "$library")"
  mount --bind "$0/$(basename "$library")" "$(readlink -f "$library")"
done
exec "$@"
"""


def test_from_a_container(tmp_path: Path) -> None:
    """Probes among other files than the first process's, with a libpam of their own, hear the host's."""
    places = " ".join(f"/{folder.format(os.uname().machine)}/lib*" for folder in pam.FOLDERS)
    first = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh"]
    within = [*first, "unshare", "--mount", "sh", "-c", CONTAINER.format(places=places), str(tmp_path)]
    tried = subprocess.run([*within, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    with probes("--cache", "", prefix=within) as (core, _):
        assert core.hello
        able = {one.name: one for one in core.hello.capabilities}["host_logins"]
        if not able.available:
            assert "container" not in able.reason
            pytest.skip(f"no host logins here: {able.reason}")
        (tmp_path / "gate").write_text("auth required pam_deny.so\nsession required pam_permit.so\n")
        (tmp_path / "other").touch()
        Marked(DENY, str(tmp_path)).go()
        core.until(lambda: any(event.operation == "close_session" for event in core.events))
        assert [(one.operation, one.user) for one in core.events if one.kind == "login"] == [
            ("authenticate", "ada"), ("open_session", "ada"), ("close_session", "ada"),
        ]  # fmt: skip


def test_layout(library: ctypes.CDLL) -> None:
    """Every word of a handle has a place of its own."""
    places = pam.layout(library)
    assert len(set(places)) == len(pam.WORDS)
    assert all(0 < place < pam.HANDLE_BYTES for place in places)


def test_answers(core: Core, tmp_path: Path) -> None:
    """Refused and opened, in the request that asked: operation, result, service, user, host and terminal; the session's
    programs are told from then on."""
    assert core.hello
    able = {one.name: one for one in core.hello.capabilities}["host_logins"]
    if not able.available:
        pytest.skip(f"no host logins here: {able.reason}")
    (tmp_path / "gate").write_text("auth required pam_deny.so\nsession required pam_permit.so\n")
    (tmp_path / "other").touch()
    marked = Marked("import subprocess" + DENY, str(tmp_path))
    core.register(marked.pid)
    marked.go()
    core.stats()
    told = [event for event in core.of(0x801) if event.kind == "login"]
    assert [(event.operation, event.result) for event in told] == [
        ("authenticate", 7), ("open_session", 0), ("close_session", 0),
    ]  # fmt: skip
    assert {(e.service, e.user, e.path, e.tty, e.attribution) for e in told} == {
        ("gate", "ada", "desk.example", "tty7", "exact")
    }


def test_sessions_are_watched(core: Core, tmp_path: Path) -> None:
    """Of a process that nobody registered: nothing before its session, forks and executions after that."""
    (tmp_path / "gate").write_text("session required pam_permit.so\nauth required pam_permit.so\n")
    (tmp_path / "other").touch()
    code = DENY.replace("mark(0x801)", "subprocess.run(['/bin/echo'], stdout=subprocess.DEVNULL)")
    marked = Marked("import subprocess" + code, str(tmp_path))
    marked.go()
    core.stats()
    if not any(event.kind == "login" for event in core.events):
        pytest.skip("no host logins here")
    ours = [event for event in core.events if marked.pid in {one.pid for one in event.ancestors}]
    assert [event.argv[0] for event in ours if event.kind == "exec"] == ["/bin/true", "/bin/sh", "/bin/true"]
    assert {event.kind for event in core.events if event.pid == marked.pid} == {"login", "fork"}
