"""Listed files that are removed, renamed, cut, given other rights: by real programs, in and out of marked requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.vocabulary import Policy
from tests.probes.support import Core, Marked
from tests.probes.test_files_policy import HELPERS, decisions

CHANGES = """
path, directory, name = sys.argv[1], os.path.dirname(sys.argv[1]), os.path.basename(sys.argv[1])
absent, other = directory + "/absent", directory + "/other"
def restore():
    for one in os.listdir(directory):
        if os.path.isfile(f"{directory}/{one}") or os.path.islink(f"{directory}/{one}"):
            os.unlink(f"{directory}/{one}")
    for one in (path, other):
        with open(one, "w") as file:
            file.write("the secret")
    os.chmod(path, 0o644)
"""
DEEDS = {
    "unlink": "os.unlink(path)",
    "unlinkat": "os.unlink(name, dir_fd=os.open(directory, os.O_PATH))",
    "rename-away": "os.rename(path, other)",
    "rename-over": "os.rename(other, path)",
    "renameat": "os.rename(name, 'x', src_dir_fd=os.open(directory, os.O_PATH), dst_dir_fd=os.open('/tmp', os.O_PATH))",
    "link": "os.link(path, directory + '/new')",
    "link-over": "os.link(other, absent)",
    "symlink-over": "os.symlink(other, absent)",
    "truncate": "os.truncate(path, 0)",
    "ftruncate": "os.ftruncate(descriptor, 0)",
    "chmod": "os.chmod(path, 0o4755)",
    "fchmod": "os.fchmod(descriptor, 0o4755)",
    "chown": "os.chown(path, 1, 1)",
    "lchown": "os.chown(path, 1, 1, follow_symlinks=False)",
    "fchown": "os.chown(descriptor, 1, 1)",
    "relative": "(os.chdir(directory), os.unlink(name))",
    "dots": "os.unlink(f'{directory}//./x/../{name}')",
}
COUNT = 200


@pytest.fixture
def ruled(core: Core) -> Iterator[Core]:
    """The shared core; nothing is enforced afterwards."""
    if not able(core, "end_changes"):
        pytest.skip("files of policies are not judged here")
    yield core
    assert core.enforce("off") == ""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    directory = (tmp_path / "kept").resolve()
    (directory / "x").mkdir(parents=True)
    path = directory / "secret"
    path.write_text("the secret")
    return path


def able(core: Core, name: str) -> bool:
    assert core.hello is not None
    return next(one.available for one in core.hello.capabilities if one.name == name)


def policy(path: Path, mode: str = "enforce", **fields: object) -> Policy:
    """Of the file, and of one beside it that is not there."""
    return Policy("p", mode, deny_write=(str(path), str(path.parent / "absent")), **fields)  # type: ignore[arg-type]


def run(core: Core, code: str, path: Path) -> str:
    """Run the code in a new process under the policy p; its output."""
    marked = Marked(HELPERS + CHANGES + code, str(path))
    assert core.register(marked.pid, policy="p") == []
    return marked.go()


def deed(name: str, number: int, count: int = COUNT) -> str:
    """Have so many children do it in a request, with everything restored between; the ends that they came to."""
    return f"""
codes = []
for _ in range({count}):
    restore()
    descriptor = os.open(path, os.O_RDWR)
    mark({number})
    codes.append(child(lambda: {DEEDS[name]}))
    mark(0)
    os.close(descriptor)
print(set(codes), len(codes))
"""


@pytest.mark.parametrize(("name", "number"), [(name, 0x700 + n) for n, name in enumerate(DEEDS)])
def test_every_change_is_stopped(ruled: Core, secret: Path, name: str, number: int) -> None:
    """200 of 200 are told once, with the file, and the process ends or gets an error; then nothing has changed."""
    ruled.enforce("enforce", policy(secret))
    denies = able(ruled, "deny_changes")
    code = deed(name, number)
    assert run(ruled, code, secret) == f"{{{13 if denies else -9}}} {COUNT}\n"
    told = decisions(ruled, number, COUNT)
    wanted = secret.parent / "absent" if name in ("link-over", "symlink-over") else secret
    assert {(e.path, e.policy, e.enforced, e.result, e.attribution) for e in told} == {
        (str(wanted), "p", True, -1 if denies else 0, "inherited")
    }
    assert len(told) == COUNT
    if denies:
        assert (secret.read_text(), oct(secret.stat().st_mode), secret.stat().st_uid) == ("the secret", "0o100644", 0)
        assert not (secret.parent / "absent").is_symlink()


def test_observing_and_the_switch(ruled: Core, secret: Path) -> None:
    """In observe mode it happens and is told as what would have been denied; off, or under a policy without files,
    nothing is told."""
    none = Policy("p", "enforce", execute="none")
    for number, (mode, one, told) in enumerate(
        (("observe", policy(secret), 7), ("off", policy(secret), 0), ("enforce", none, 0)), 0x720
    ):
        ruled.enforce(mode, one)  # type: ignore[arg-type]
        assert run(ruled, deed("unlink", number, 7), secret) == "{0} 7\n"
        assert [(e.operation, e.enforced, e.result) for e in decisions(ruled, number, told)] == [
            ("unlink", False, 0)
        ] * told  # fmt: skip
        assert not secret.exists()


def test_outside_of_requests_and_beside(ruled: Core, secret: Path) -> None:
    """Outside of requests all is free under such a policy; in a request what is not listed is, beside a listed file
    too, and reading is."""
    ruled.enforce("enforce", policy(secret))
    code = """
restore()
print(child(lambda: os.chmod(path, 0o600)), flush=True)
mark(0x730)
print(child(lambda: os.rename(other, other + "2")), child(lambda: os.unlink(other + "2")), read(path))
"""
    assert run(ruled, code, secret) == "0\nthe secret\n0 0 0\n"
    assert decisions(ruled, 0x730) == []


def test_directories_that_lead_to_a_file(ruled: Core, secret: Path) -> None:
    """A directory cannot be renamed away with a listed file in it; another one can, and files below a listed directory
    are kept, too."""
    below = secret.parent / "x" / "y"
    below.mkdir()
    ruled.enforce("enforce", Policy("p", "enforce", deny_write=(str(secret), f"{secret.parent}/x/")))
    code = """
open(f"{directory}/x/y/f", "w").close()
os.mkdir(directory + "/z")
mark(0x731)
print(child(lambda: os.rename(directory + "/z", directory + "/z2")))
print(child(lambda: os.rename(directory, directory + "2")))
mark(0)
if os.path.exists(directory + "2"):
    os.rename(directory + "2", directory)
mark(0x731)
print(child(lambda: os.unlink(f"{directory}/x/y/f")))
"""
    ends = 13 if able(ruled, "deny_changes") else -9
    assert run(ruled, code, secret) == f"0\n{ends}\n{ends}\n"
    assert [(e.operation, e.path) for e in decisions(ruled, 0x731, 2)] == [
        ("rename", str(secret.parent)), ("unlink", str(below / "f")),
    ]  # fmt: skip


def test_mounting_over(ruled: Core, secret: Path) -> None:
    """Nothing else is mounted over a listed file, in another mount namespace neither."""
    if os.geteuid():
        pytest.skip("needs root to mount")
    ruled.enforce("enforce", policy(secret, scope="processes"))
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def private():
    assert libc.unshare(0x20000) == 0
    assert libc.mount(b"none", b"/", None, 1 << 18 | 1 << 14, None) == 0
    mark(0x732)
    if libc.mount(b"/etc/hostname", path.encode(), None, 4096, None):
        raise PermissionError(ctypes.get_errno())
    print("mounted")
print(child(private))
"""
    assert run(ruled, code, secret) == f"{13 if able(ruled, 'deny_changes') else -9}\n"
    assert [(e.operation, e.path) for e in decisions(ruled, 0x732, 1)] == [("mount", str(secret))]


def test_by_links_of_directories(ruled: Core, secret: Path) -> None:
    """A name through a symbolic link is the same file to the LSM; what only sees the text does not know it."""
    ruled.enforce("enforce", policy(secret))
    code = """
os.symlink(directory, directory + "-link")
mark(0x733)
print(child(lambda: os.chmod(f"{directory}-link/{name}", 0o600)))
"""
    denies = able(ruled, "deny_changes")
    assert run(ruled, code, secret) == f"{13 if denies else 0}\n"
    assert len(decisions(ruled, 0x733, int(denies))) == int(denies)


def test_long_and_odd_names(ruled: Core, secret: Path) -> None:
    """Names as long as can be, many slashes, `..` above the root, an empty path: judged, or counted as unreadable."""
    ruled.enforce("enforce", policy(secret))
    before = ruled.stats().dropped["unreadable"]
    code = """
import ctypes
def chmods(text):
    def work():
        try:
            os.chmod(text, 0o600)
        except FileNotFoundError:
            os._exit(2)
    return child(work)
mark(0x734)
print(chmods("/../.." + path), chmods("/" * (254 - len(path)) + path), chmods("/" * 300 + path), chmods(""))
"""
    denies = able(ruled, "deny_changes")
    ends = 13 if denies else -9
    assert run(ruled, code, secret) == f"{ends} {ends if denies else 0} {ends if denies else 0} 2\n"
    assert ruled.stats().dropped["unreadable"] - before == (0 if denies else 2)
