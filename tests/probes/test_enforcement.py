"""Policies in the kernel: real programs and real connections, in and out of marked requests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.vocabulary import UNREGISTER, KernelEvent, Policy
from tests.probes.conftest import refusal
from tests.probes.support import Core, Marked, probes, run_marked

HELPERS = """
import subprocess
def run(*words):
    try:
        return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except PermissionError:  # the kernel's LSM denied it
        return -9
def reach(address, port, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        try:
            client.connect((address, port))
        except OSError as error:
            return error.errno or -1
    return 0
"""
EPERM = 1


@pytest.fixture
def ruled(core: Core) -> Iterator[Core]:
    """The shared core; nothing is enforced afterwards."""
    yield core
    assert core.enforce("off") == ""


@pytest.fixture
def server() -> Iterator[int]:
    """A listening port on both loopback addresses."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512) as listener:

        def accept() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def run_ruled(core: Core, policy: str, code: str, *words: str) -> str:
    """Register a new process under a policy, run the code in it, return its output."""
    marked = Marked(HELPERS + code, *words)
    assert core.register(marked.pid, policy=policy) == []
    return marked.go()


def decisions(core: Core, request_id: int) -> list[KernelEvent]:
    core.stats()
    return [event for event in core.of(request_id) if event.kind == "decision"]


def denies(core: Core) -> bool:
    """Whether executions are denied before they begin; elsewhere they end by SIGKILL."""
    assert core.hello
    return next(one.available for one in core.hello.capabilities if one.name == "deny_executions")


def test_nothing_without_a_policy(ruled: Core) -> None:
    """A process without a policy does what it likes, whatever holds for others."""
    ruled.enforce("enforce", Policy("strict", "enforce", "processes", "none", connect="listed"))
    assert run_marked(ruled, HELPERS + "mark(0x501); print(run('/bin/true'))") == "0\n"
    assert decisions(ruled, 0x501) == []


def test_every_execution_is_stopped_before_its_effect(ruled: Core, tmp_path: Path) -> None:
    """200 of 200: no file comes to be; each is told once, with file, policy and, but by the LSM, arguments."""
    ruled.enforce("enforce", Policy("no-programs", "enforce", execute="none"))
    code = """
mark(0x502)
codes = [run("/bin/sh", "-c", f"touch {sys.argv[1]}/{n}") for n in range(200)]
mark(0)
print(set(codes), run("/bin/true"))
"""
    assert run_ruled(ruled, "no-programs", code, str(tmp_path)) == "{-9} 0\n"
    assert list(tmp_path.iterdir()) == []
    told = decisions(ruled, 0x502)
    assert [(e.path, e.argv[:2], e.policy, e.enforced, e.result) for e in told] == [
        ("/bin/sh", () if denies(ruled) else ("/bin/sh", "-c"), "no-programs", True, -EPERM)
    ] * 200
    assert {event.attribution for event in told} == {"inherited"}
    assert [event for event in ruled.of(0x502) if event.kind == "exec"] == []


def test_not_one_instruction(ruled: Core, tmp_path: Path) -> None:
    """200 of 200 again, by programs whose very first work would be the effect."""
    ruled.enforce("enforce", Policy("no-programs", "enforce", execute="none"))
    code = """
mark(0x50f)
print({run("/bin/touch", f"{sys.argv[1]}/{n}") for n in range(200)})
"""
    assert run_ruled(ruled, "no-programs", code, str(tmp_path)) == "{-9}\n"
    assert list(tmp_path.iterdir()) == []
    assert [event.enforced for event in decisions(ruled, 0x50F)] == [True] * 200


def test_another_thread_is_no_way_out(ruled: Core, tmp_path: Path) -> None:
    """A thread that is not the first one and becomes another program by exec, which ends the first, is ended, too, or
    denied it; in a request and outside."""
    ruled.enforce("enforce", Policy("no-programs", "enforce", "processes", "none"))
    for number in (0, 0x511):
        code = f"""
mark({number}) if {number} else None
def become():
    try:
        os.execv("/bin/touch", ["touch", sys.argv[1] + "/file"])
    except PermissionError:
        os.kill(os.getpid(), 9)
if os.fork() == 0:
    threading.Thread(target=become).start()
    threading.Event().wait(20)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
        assert run_ruled(ruled, "no-programs", code, str(tmp_path)) == "-9\n"
        assert list(tmp_path.iterdir()) == []
    assert [event.enforced for event in decisions(ruled, 0x511)] == [True]


def test_observing(ruled: Core, tmp_path: Path) -> None:
    """Everything happens, and each execution that would be denied is told so, beside the exec itself."""
    ruled.enforce("enforce", Policy("look", "observe", execute="none", connect="listed"))
    code = "mark(0x503); print([run('touch', f'{sys.argv[1]}/{n}') for n in range(7)])"
    assert run_ruled(ruled, "look", code, str(tmp_path)) == f"{[0] * 7}\n"
    assert len(list(tmp_path.iterdir())) == 7
    assert [(e.policy, e.enforced, e.result) for e in decisions(ruled, 0x503)] == [("look", False, 0)] * 7
    assert len([event for event in ruled.of(0x503) if event.kind == "exec"]) == 7


def test_the_switch_caps_every_policy(ruled: Core, tmp_path: Path) -> None:
    """In observe mode nothing is denied, whatever the policy says; off, nothing is told either."""
    policy = Policy("no-programs", "enforce", execute="none")
    for mode, told in (("observe", 1), ("off", 0)):
        ruled.events.clear()
        ruled.enforce(mode, policy)
        assert run_ruled(ruled, "no-programs", "mark(0x504); print(run('/bin/true'))") == "0\n"
        assert len(decisions(ruled, 0x504)) == told


def test_off_at_once(ruled: Core) -> None:
    """A process that is under a policy already is free from the next call on, and under it again when it is back."""
    policy = Policy("no-programs", "enforce", execute="none", connect="listed")
    ruled.enforce("enforce", policy)
    code = """
mark(0x505)
for line in sys.stdin:
    print(run("/bin/true"), reach("127.0.0.1", 9), flush=True)
"""
    marked = Marked(HELPERS + code)
    ruled.register(marked.pid, policy="no-programs")
    assert marked.process.stdin
    assert marked.process.stdout
    said = []
    marked.process.stdin.write(b"\n")
    for mode in ("enforce", "off", "enforce"):
        ruled.enforce(mode, policy)
        marked.process.stdin.write(b"\n")
        marked.process.stdin.flush()
        said.append(marked.process.stdout.readline().split())
    marked.process.stdin.close()
    marked.process.wait(60)
    refused = str(111).encode()
    assert said == [[b"-9", b"1"], [b"0", refused], [b"-9", b"1"]]


@pytest.mark.parametrize("scope", ["requests", "processes"])
def test_scope(ruled: Core, scope: str) -> None:
    """Outside of requests only the wider scope denies; a grandchild that became another program is under it, too."""
    ruled.enforce("enforce", Policy("p", "enforce", scope, execute="no-shells"))  # type: ignore[arg-type]
    code = """
print(run("/bin/sh", "-c", "exit 3"), flush=True)
grandchild = sys.argv[1] + "print(run('/bin/sh', '-c', 'exit 3'), flush=True)"
subprocess.run([sys.executable, "-c", "import socket" + grandchild])
"""
    assert run_ruled(ruled, "p", code, HELPERS).split() == (["3", "3"] if scope == "requests" else ["-9", "-9"])


def test_no_shells(ruled: Core, tmp_path: Path) -> None:
    """Shells by their name, by a link of another name, as the interpreter of a script, from a path that is relative;
    other programs run."""
    ruled.enforce("enforce", Policy("p", "enforce", execute="no-shells"))
    (tmp_path / "ls").symlink_to(shutil.which("sh") or "/bin/sh")
    (tmp_path / "script").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "script").chmod(0o755)
    code = """
os.chdir(sys.argv[1])
mark(0x506)
print(run("/bin/sh", "-c", "exit 0"), run(sys.argv[1] + "/ls", "-c", "exit 0"), run("./script"), run("/bin/true"))
"""
    assert run_ruled(ruled, "p", code, str(tmp_path)) == "-9 -9 -9 0\n"
    assert [event.path for event in decisions(ruled, 0x506)] == ["/bin/sh", str(tmp_path / "ls"), "./script"]


def test_listed_programs(ruled: Core) -> None:
    """Only what is listed runs, exactly as it is called; a program without a file does not."""
    ruled.enforce("enforce", Policy("p", "enforce", execute="listed", programs=("/bin/true",)))
    code = """
mark(0x507)
memory = os.memfd_create("x", 0)
os.write(memory, open("/bin/true", "rb").read())
child = os.fork()
if not child:
    try:
        os.execve(memory, ["true"], {})
    except PermissionError:
        os.kill(os.getpid(), 9)
died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(run("/bin/true"), run("/bin/../bin/true"), run("/bin/echo"), died)
"""
    assert run_ruled(ruled, "p", code) == "0 -9 -9 -9\n"
    assert [event.nameless for event in decisions(ruled, 0x507)] == [True, False, False]


def test_private_networks(ruled: Core, server: int) -> None:
    """Loopback and private addresses fail with EPERM in a request, TCP and UDP, IPv4, IPv6 and mapped; outside of
    requests the same calls work; the process goes on."""
    ruled.enforce("enforce", Policy("p", "enforce", connect="no-private"))
    code = """
port = int(sys.argv[1])
def all():
    six, udp = socket.AF_INET6, socket.SOCK_DGRAM
    yield reach("127.0.0.1", port)
    yield reach("127.9.9.9", port)
    yield reach("::1", port, six)
    yield reach("::ffff:127.0.0.1", port, six)
    yield reach("0.0.0.0", port)
    yield reach("127.0.0.1", port, kind=udp)
    yield reach("::1", port, six, udp)
    with socket.socket(socket.AF_INET, udp) as client, socket.socket(six, udp) as client6:
        for one, address in ((client, "127.0.0.1"), (client6, "::1")):
            try:
                one.sendto(b"x", (address, port))
                yield 0
            except OSError as error:
                yield error.errno
print(list(all()))
mark(0x508)
print(list(all()))
mark(0)
print(list(all()))
"""
    free, denied = f"{[0] * 9}", f"{[EPERM] * 9}"
    assert run_ruled(ruled, "p", code, str(server)) == f"{free}\n{denied}\n{free}\n"
    told = decisions(ruled, 0x508)
    assert [event.address for event in told] == [
        "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "127.0.0.1", "::1", "127.0.0.1", "::1",
    ]  # fmt: skip
    assert [event.operation for event in told] == ["connect"] * 7 + ["sendmsg"] * 2
    assert {(event.port, event.policy, event.enforced, event.attribution) for event in told} == {
        (server, "p", True, "exact")
    }


def test_metadata_addresses(ruled: Core, server: int) -> None:
    """Clouds' metadata fails with EPERM, 200 of 200; loopback stays open."""
    ruled.enforce("enforce", Policy("p", "enforce", connect="no-metadata"))
    code = """
mark(0x509)
print({reach("169.254.169.254", 80) for _ in range(200)}, reach("fd00:ec2::254", 80, socket.AF_INET6))
print(reach("127.0.0.1", int(sys.argv[1])))
"""
    assert run_ruled(ruled, "p", code, str(server)) == "{1} 1\n0\n"
    assert len(decisions(ruled, 0x509)) == 201


def test_metadata_that_is_there(ruled: Core) -> None:
    """Where something answers at a cloud's metadata address, no request reaches it, 200 of 200; the process does before
    and after."""
    if os.geteuid():
        pytest.skip("only root can have a network of its own")
    ruled.enforce("enforce", Policy("p", "enforce", connect="no-metadata"))
    code = """
import ctypes, fcntl, struct
metadata = "169.254.169.254"
assert ctypes.CDLL(None).unshare(0x40000000) == 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH22x", b"lo", 0x41))
    fcntl.ioctl(s, 0x8916, struct.pack("16sH2x4s16x", b"lo:1", socket.AF_INET, socket.inet_aton(metadata)))
listener = socket.create_server((metadata, 80), backlog=8)
print(reach(metadata, 80))
mark(0x510)
print({reach(metadata, 80) for _ in range(200)})
mark(0)
print(reach(metadata, 80))
"""
    assert run_ruled(ruled, "p", code) == f"0\n{{{EPERM}}}\n0\n"
    assert [(e.address, e.port, e.enforced) for e in decisions(ruled, 0x510)] == [("169.254.169.254", 80, True)] * 200


def test_listed_networks(ruled: Core, server: int) -> None:
    """Only what is listed is reached; a longer prefix that is listed opens a private network."""
    code = """
mark(int(sys.argv[2]))
print([reach(address, int(sys.argv[1])) for address in ("127.0.0.1", "127.0.0.2")])
"""
    ruled.enforce("enforce", Policy("p", "enforce", connect="listed", networks=("127.0.0.2/32",)))
    assert run_ruled(ruled, "p", code, str(server), "10") == "[1, 0]\n"
    ruled.enforce("enforce", Policy("p", "enforce", connect="no-private", networks=("127.0.0.0/31",)))
    assert run_ruled(ruled, "p", code, str(server), "11") == "[0, 1]\n"


def test_connections_are_only_observed(ruled: Core, server: int) -> None:
    """In observe mode they come to be, and each is told as one that would have been denied."""
    ruled.enforce("enforce", Policy("p", "observe", connect="no-private"))
    code = "mark(0x50a); print([reach('127.0.0.1', int(sys.argv[1])) for _ in range(7)])"
    assert run_ruled(ruled, "p", code, str(server)) == f"{[0] * 7}\n"
    assert [(e.address, e.enforced, e.result) for e in decisions(ruled, 0x50A)] == [("127.0.0.1", False, 0)] * 7


def test_a_policy_follows_into_children(ruled: Core, server: int) -> None:
    """A child process of the request is denied, too; one of another process is not."""
    ruled.enforce("enforce", Policy("p", "enforce", connect="no-private"))
    code = """
words = [sys.executable, "-c", f"import socket; socket.create_connection(('127.0.0.1', {sys.argv[1]}))"]
print(run(*words))
mark(0x50b)
print(run(*words))
"""
    assert run_ruled(ruled, "p", code, str(server)) == "0\n1\n"
    assert [event.attribution for event in decisions(ruled, 0x50B)] == ["inherited"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_enforcement_ends_with_the_probes(number: signal.Signals, server: int) -> None:
    """Killed or asked to end: the same process under the same policy is free again."""
    with probes() as (core, process):
        if reason := refusal(core):
            pytest.skip(f"no BPF here: {reason}")
        core.enforce("enforce", Policy("p", "enforce", execute="none", connect="listed"))
        code = """
mark(0x50c)
for line in sys.stdin:
    print(run("/bin/true"), reach("127.0.0.1", int(sys.argv[1])), flush=True)
"""
        marked = Marked(HELPERS + code, str(server))
        core.register(marked.pid, policy="p")
        assert marked.process.stdin
        assert marked.process.stdout
        marked.process.stdin.write(b"\n\n")
        marked.process.stdin.flush()
        assert marked.process.stdout.readline() == b"-9 1\n"
        os.kill(process.pid, number)
        process.wait(60)
        said = b""
        while said != b"0 0\n":  # the holder needs a moment to notice, the kernel another to detach
            marked.process.stdin.write(b"\n")
            marked.process.stdin.flush()
            said = marked.process.stdout.readline()
            assert said in (b"0 0\n", b"-9 1\n", b"-9 0\n", b"0 1\n")
        marked.process.stdin.close()
        marked.process.wait(60)


def test_policies_come_and_go(ruled: Core) -> None:
    """A policy that is no more denies nothing to those who carry it; another of another name does not become theirs."""
    ruled.enforce("enforce", Policy("old", "enforce", execute="none"))
    marked = Marked(HELPERS + "mark(0x50d)\nprint(run('/bin/true'))")
    ruled.register(marked.pid, policy="old")
    ruled.enforce("enforce", Policy("new", "enforce", execute="none"))
    assert marked.go() == "0\n"


def test_hanging_up_is_no_way_out(ruled: Core) -> None:
    """A process whose agent is gone, or that calls itself by another name, stays under its policy until it ends."""
    strict, loose = Policy("strict", "enforce", "processes", "none"), Policy("loose", "enforce", "processes")
    ruled.enforce("enforce", strict, loose)
    marked = Marked(HELPERS + "mark(0x50e); print(run('/bin/true'))")
    ruled.register(marked.pid, policy="strict")
    ruled.command(UNREGISTER, marked.pid)
    assert ruled.register(marked.pid, policy="loose") == []
    assert marked.go() == "-9\n"
    assert [event.policy for event in decisions(ruled, 0x50E)] == ["strict"]


def test_capabilities(core: Core) -> None:
    """What this kernel lets us enforce is told with its reason."""
    assert core.hello
    told = {one.name: one for one in core.hello.capabilities}
    assert told["end_executions"].available
    assert told["deny_executions"].available or "LSM" in told["deny_executions"].reason
    assert told["deny_connections"].available or told["deny_connections"].reason
    assert subprocess.run(["true"], check=False).returncode == 0
