"""Files of policies in the kernel: real programs that open them, in and out of marked requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.vocabulary import KernelEvent, Policy
from tests.probes.conftest import refusal
from tests.probes.support import Core, Marked, probes

HELPERS = """
import subprocess
def child(work):
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        except PermissionError:
            os._exit(13)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def read(path):
    return child(lambda: print(open(path).read(), flush=True))
def write(path, text="changed"):
    def work():
        with open(path, "r+" if os.path.exists(path) else "w") as file:
            file.write(text)
    return child(work)
"""


@pytest.fixture
def ruled(core: Core) -> Iterator[Core]:
    """The shared core; nothing is enforced afterwards."""
    assert core.hello is not None
    (able,) = [one for one in core.hello.capabilities if one.name == "end_opens"]
    if not able.available:
        pytest.skip(able.reason)
    yield core
    assert core.enforce("off") == ""


@pytest.fixture
def denied(ruled: Core) -> int:
    """How a process ends that is denied: by the error that it gets where the kernel takes security programs, else by
    the signal."""
    assert ruled.hello is not None
    (able,) = [one for one in ruled.hello.capabilities if one.name == "deny_opens"]
    return 13 if able.available else -9


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = (tmp_path / "secret").resolve()
    path.write_text("the secret")
    return path


def run_ruled(core: Core, code: str, *words: str) -> str:
    """Register a new process under the policy p, run the code in it, return its output."""
    marked = Marked(HELPERS + code, *words)
    assert core.register(marked.pid, policy="p") == []
    return marked.go()


def decisions(core: Core, request_id: int, count: int = 0) -> list[KernelEvent]:
    """All of a request, once there are so many."""

    def found() -> list[KernelEvent]:
        return [event for event in core.of(request_id) if event.kind == "decision"]

    core.until(lambda: len(found()) >= count)
    core.stats()
    return found()


def test_every_read_is_stopped(ruled: Core, denied: int, secret: Path) -> None:
    """200 of 200 readers die before the first byte, in a request; outside the same read works. Each is told once, with
    the path and the policy's name, and not as an open that worked."""
    assert ruled.enforce("enforce", Policy("p", "enforce", deny_read=(str(secret),))) == ""
    code = """
mark(0x601)
codes = {read(sys.argv[1]) for _ in range(200)}
mark(0)
print(codes, read(sys.argv[1]))
"""
    assert run_ruled(ruled, code, str(secret)) == f"the secret\n{{{denied}}} 0\n"
    told = decisions(ruled, 0x601, 200)
    assert [(e.path, e.operation, e.flags, e.policy, e.enforced, e.attribution) for e in told] == [
        (str(secret), "open", os.O_RDONLY, "p", True, "inherited")
    ] * 200
    opened = [event for event in ruled.of(0x601) if event.kind == "open" and event.path == str(secret)]
    assert [event for event in opened if event.result >= 0] == []


def test_every_write_is_stopped(ruled: Core, denied: int, secret: Path) -> None:
    """200 of 200 writers die before the first byte; reading the same file is free."""
    ruled.enforce("enforce", Policy("p", "enforce", deny_write=(str(secret),)))
    code = """
mark(0x602)
print({write(sys.argv[1]) for _ in range(200)}, read(sys.argv[1]))
"""
    assert run_ruled(ruled, code, str(secret)) == f"the secret\n{{{denied}}} 0\n"
    assert secret.read_text() == "the secret"
    assert [(e.enforced, e.flags) for e in decisions(ruled, 0x602, 200)] == [(True, os.O_WRONLY)] * 200


def test_what_opening_itself_does(ruled: Core, denied: int, secret: Path) -> None:
    """A file that is opened to be emptied stays as it was where the kernel takes security programs; elsewhere it is
    empty, and who did it dead, as the policy's description says."""
    ruled.enforce("enforce", Policy("p", "enforce", deny_write=(str(secret),)))
    code = """
mark(0x60a)
print(child(lambda: open(sys.argv[1], "w").write("changed")))
"""
    assert run_ruled(ruled, code, str(secret)) == f"{denied}\n"
    assert secret.read_text() == ("the secret" if denied == 13 else "")


def test_by_whatever_name(ruled: Core, denied: int, secret: Path) -> None:
    """A link, `..`, a relative path, a descriptor of the directory, O_PATH and /proc, a name of a directory that moved,
    another program: the file is the same. A new name of the file is another."""
    ruled.enforce("enforce", Policy("p", "enforce", deny_read=(str(secret),)))
    code = """
path, directory, name = sys.argv[1], os.path.dirname(sys.argv[1]), os.path.basename(sys.argv[1])
def relative():
    os.chdir(directory)
    print(open(name).read())
def at():
    os.read(os.open(name, os.O_RDONLY, dir_fd=os.open(directory, os.O_PATH)), 9)
    print("read")
def reopened():
    os.read(os.open(f"/proc/self/fd/{os.open(path, os.O_PATH)}", os.O_RDONLY), 9)
    print("read")
os.symlink(path, path + ".symlink")
os.link(path, path + ".hard")
mark(0x603)
print(read(path + ".symlink"), read(f"{directory}/../{os.path.basename(directory)}//./{name}"), child(relative),
      child(at), child(reopened), subprocess.run(["cat", path], stderr=subprocess.DEVNULL).returncode, flush=True)
print(read(path + ".hard"))
"""
    assert run_ruled(ruled, code, str(secret)) == f"{f'{denied} ' * 5}{-9 if denied == -9 else 1}\nthe secret\n0\n"
    assert {event.path for event in decisions(ruled, 0x603, 6)} == {str(secret)}


def test_all_below_a_directory(ruled: Core, denied: int, tmp_path: Path) -> None:
    """A slash at the end means all below, at any depth, what comes to be later too; not the directory itself, nor one
    that begins with the same letters."""
    directory = tmp_path.resolve() / "keys"
    for path in (directory / "a" / "b", tmp_path / "keys-too"):
        path.mkdir(parents=True)
        (path / "f").write_text("x")
    ruled.enforce("enforce", Policy("p", "enforce", deny_read=(f"{directory}/",), deny_write=(f"{directory}/a/",)))
    (directory / "later").write_text("x")
    code = """
keys = sys.argv[1]
mark(0x604)
print([read(f"{keys}/a/b/f"), read(f"{keys}/later"), write(f"{keys}/a/b/new"), write(f"{keys}/beside"),
       read(f"{keys}-too/f"), child(lambda: os.listdir(keys))])
"""
    out = run_ruled(ruled, code, str(directory))
    assert out == f"x\n[{denied}, {denied}, {denied}, 0, 0, 0]\n"
    assert (directory / "a" / "b" / "new").exists() == (denied == -9)  # by the opening itself
    assert (directory / "beside").read_text() == "changed"


@pytest.mark.parametrize("levels", [1, 5])
def test_across_mounts(ruled: Core, denied: int, tmp_path: Path, levels: int) -> None:
    """A file on another file system has the path that its mount gives it, in another mount namespace too, and however
    many mounts stand upon each other."""
    place = tmp_path.resolve() / "mounted"
    place.mkdir()
    ruled.enforce("enforce", Policy("p", "enforce", "processes", deny_read=(f"{place}/f",)))
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def private():
    assert libc.unshare(0x20000) == 0
    assert libc.mount(b"none", b"/", None, 1 << 18 | 1 << 14, None) == 0
    for _ in range(int(sys.argv[2])):
        assert libc.mount(b"tmpfs", sys.argv[1].encode(), b"tmpfs", 0, None) == 0
    open(f"{sys.argv[1]}/g", "w").close()
    print(open(f"{sys.argv[1]}/g").read() == "", flush=True)
    open(f"{sys.argv[1]}/f", "w").close()
    print("written", flush=True)
    open(f"{sys.argv[1]}/f")
    print("read")
print(child(private))
"""
    if os.geteuid():
        pytest.skip("needs root to mount")
    assert run_ruled(ruled, code, str(place), str(levels)) == f"True\nwritten\n{denied}\n"


def test_observing_and_the_switch(ruled: Core, secret: Path) -> None:
    """In observe mode the file is read and the decision told; off, nothing is told; a policy without files, too."""
    listed = Policy("p", "enforce", deny_read=(str(secret),))
    for number, (mode, policy, told) in enumerate(
        (("observe", listed, 1), ("off", listed, 0), ("enforce", Policy("p", "enforce", execute="none"), 0)), 0x605
    ):
        ruled.enforce(mode, policy)  # type: ignore[arg-type]
        code = f"mark({number}); print(read(sys.argv[1]))"
        assert run_ruled(ruled, code, str(secret)) == "the secret\n0\n"
        assert [event.enforced for event in decisions(ruled, number, told)] == [False] * told


def test_deep_paths_and_long_names(ruled: Core, denied: int, tmp_path: Path) -> None:
    """A file thirty directories down, with names as long as they can be, is below the listed one."""
    directory = tmp_path.resolve()
    deep = directory.joinpath(*(f"{n}" * 20 for n in range(30 - len(directory.parts))), "x" * 255)
    deep.parent.mkdir(parents=True)
    deep.write_text("x")
    ruled.enforce("enforce", Policy("p", "enforce", deny_read=(f"{directory}/",)))
    assert run_ruled(ruled, "mark(0x609); print(read(sys.argv[1]))", str(deep)) == f"{denied}\n"
    (told,) = decisions(ruled, 0x609, 1)
    assert told.path.startswith(f"{directory}/{'0' * 20}/")


def test_a_kernel_without_type_information() -> None:
    """Where the kernel does not tell where it keeps names, files are not judged, and the probes say so."""
    with probes("--no-structures") as (core, _):
        if reason := refusal(core):
            pytest.skip(f"no BPF here: {reason}")
        assert core.hello is not None
        assert [one.available for one in core.hello.capabilities if one.name == "end_opens"] == [False]
        assert "files cannot be judged here" in core.enforce("enforce", Policy("p", "enforce", deny_read=("/x",)))
        assert core.enforce("enforce", Policy("p", "enforce", execute="none")) == ""
