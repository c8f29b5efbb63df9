"""Every further kind of event by a program that really does it: in a request, in its child and thread, and not outside.

The counts are primes, so that an event told twice, or once for two, shows.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes import tracefs
from probes.vocabulary import KernelEvent
from tests.probes.support import Core, Marked, run_marked

COUNT = 7
"""How often each place does it."""

CALLS = """
import ctypes, mmap, struct, time
libc = ctypes.CDLL(None, use_errno=True)
"""

PLACES = """
def deed(i):
{deed}
for i in range({count}):
    deed(i)                       # not in a request
mark({number})
for i in range({count}):
    deed(i)                       # in its thread
thread = threading.Thread(target=lambda: [deed(i) for i in range({count})])
thread.start()
thread.join()
if not os.fork():                 # in its child
    for i in range({count}):
        deed(i)
    os._exit(0)
os.wait()
mark(0)
for i in range({count}):
    deed(i)                       # not any more
mark({number} + 1)
open("/proc/uptime").close()      # a sign of the end
"""

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def everywhere(core: Core, number: int, deed: str, *words: str, count: int = COUNT) -> list[KernelEvent]:
    """Do the deed `count` times before, in the thread of, in a new thread of, in a child of, and after a request; what
    was told of that request."""
    code = CALLS + PLACES.format(deed=textwrap.indent(textwrap.dedent(deed), "    "), number=number, count=count)
    run_marked(core, code, *words)
    core.until(lambda: core.of(number + 1))
    return core.of(number)


def attributed(events: list[KernelEvent], kind: str, count: int = COUNT) -> list[KernelEvent]:
    """The events of this kind, after checking that each place did it `count` times."""
    mine = [event for event in events if event.kind == kind]
    assert Counter(event.attribution for event in mine) == {"exact": count, "inherited": 2 * count}
    assert all(event.process_start for event in mine)
    assert len({event.pid for event in mine}) == 2
    return mine


def deeds() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Kind of event and its fields by name of the deed; the code may use `i`, `libc` and a directory sys.argv[1]."""
    path = "os.path.join(sys.argv[1], 'f')"
    made = f"open({path}, 'w').close()\n"
    return {
        "unlink": (made + f"os.unlink({path})", "delete", {"operation": "unlink", "path": "DIR/f", "result": 0}),
        "rmdir": ("try: os.rmdir('/nowhere')\nexcept OSError: pass", "delete", {"operation": "rmdir", "result": -2}),
        "rename": (made + f"os.rename({path}, {path} + '2')", "rename", {"path": "DIR/f", "target": "DIR/f2"}),
        "symlink": (f"os.symlink('/etc/x', {path})\nos.unlink({path})", "link", {"path": "/etc/x", "target": "DIR/f"}),
        "chmod": (made + f"os.chmod({path}, 0o6755)", "chmod", {"path": "DIR/f", "flags": 0o6755}),
        "fchmod": ("os.fchmod(0, 0o600)", "chmod", {"operation": "fchmod", "path": "descriptor 0", "flags": 0o600}),
        "truncate": (made + f"os.truncate({path}, 7)", "truncate", {"path": "DIR/f", "size": 7, "result": 0}),
        "ftruncate": (
            f"with open({path}, 'w') as f: os.ftruncate(f.fileno(), 9)", "truncate",
            {"operation": "ftruncate", "size": 9},
        ),
        "chown": (made + f"os.chown({path}, -1, 12)", "chown", {"path": "DIR/f", "ids": (-1, 12), "result": 0}),
        "fchown": ("os.chown(0, -1, -1)", "chown", {"operation": "fchown", "path": "descriptor 0", "ids": (-1, -1)}),
        "memfd": ("os.close(os.memfd_create('evil'))", "memfd", {"path": "evil", "operation": "memfd_create"}),
        "mmap": (
            "mmap.mmap(-1, 8192, prot=mmap.PROT_EXEC | mmap.PROT_READ).close()",
            "executable_memory", {"operation": "mmap", "size": 8192, "flags": 5, "result": 0},
        ),
        "mprotect": (
            "m = mmap.mmap(-1, 4096)\na = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
            "libc.mprotect(ctypes.c_void_p(a), 4096, 7)",
            "executable_memory", {"operation": "mprotect", "size": 4096, "flags": 7, "result": 0},
        ),
        "process_vm_writev": (
            "libc.process_vm_writev(1, None, 0, None, 0, 0)", "ptrace",
            {"operation": "process_vm_writev", "target_pid": 1, "result": 0},
        ),
        "ptrace": (
            "libc.ptrace(ctypes.c_long(16), 999999999, None, None)", "ptrace",
            {"operation": "PTRACE_ATTACH", "target_pid": 999999999, "result": -3},
        ),
        "setresuid": (  # glibc's own would repeat it in every thread
            "libc.syscall(117, -1, os.geteuid(), -1)", "credentials",
            {"operation": "setresuid", "result": 0, "ids": (-1, os.geteuid(), -1)},
        ),
        "bpf": ("libc.syscall(321, 5, None, 0)", "bpf", {"operation": "PROG_LOAD"}),
        "umount": (
            "libc.umount2(b'/nowhere', 0)", "mount", {"operation": "umount2", "path": "/nowhere", "result": -2},
        ),
        "unshare": ("libc.unshare(1)", "namespace", {"operation": "unshare", "result": -22}),
        "kill": ("os.kill(os.getpid(), signal.SIGWINCH)", "signal", {"flags": int(signal.SIGWINCH)}),
        "send": (
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'secret', ('127.0.0.1', 9))", "send",
            {"operation": "sendto", "family": "ipv4", "address": "127.0.0.1", "port": 9, "result": 6, "path": ""},
        ),
        "bind": (
            "s = socket.socket()\ns.bind(('127.0.0.1', 0))", "bind", {"family": "ipv4", "address": "127.0.0.1"},
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", deeds())
def test_deed(core: Core, tmp_path: Path, name: str) -> None:
    """The event has its fields and stands in the request as often as it was done there."""
    number = 0x2000 + 2 * list(deeds()).index(name)
    code, kind, fields = deeds()[name]
    if "libc.syscall" in code and os.uname().machine != "x86_64":
        pytest.skip("the numbers of these calls are x86-64's")
    for event in attributed(everywhere(core, number, "import signal\n" + code, str(tmp_path)), kind):
        told = {field: getattr(event, field) for field in fields}
        assert told == {f: v.replace("DIR", str(tmp_path)) if isinstance(v, str) else v for f, v in fields.items()}


RESOLVES = """
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    query = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + b"\\3www\\7example\\0" + b"\\0\\x1c\\0\\1"
    if i % 2:
        s.connect(("127.0.0.53", 53))
        s.send(query)
    else:
        s.sendmsg([query], [], 0, ("127.0.0.53", 53))
    s.close()
"""


def test_dns(core: Core) -> None:
    """A question is told by name and type, on a connected socket as on another; the C library's own resolver too."""
    events = attributed(everywhere(core, 0x2100, RESOLVES), "dns")
    assert {(e.path, e.target, e.address, e.port) for e in events} == {("www.example", "AAAA", "127.0.0.53", 53)}


@ROOT
def test_two_questions_in_one_call(core: Core) -> None:
    """As the C library's resolver asks: two questions in one sendmmsg on a connected socket; both are told."""
    code = """
        libc = ctypes.CDLL(None)
        server, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        server.bind(("127.0.0.77", 53))
        mark(0x2104)
        sender.connect(("127.0.0.77", 53))
        head = b"\\0\\1\\1\\0\\0\\1" + b"\\0" * 6 + b"\\2cw\\0"
        queries = [ctypes.create_string_buffer(head + bytes([0, kind, 0, 1])) for kind in (1, 28)]
        class Part(ctypes.Structure):
            _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        class Message(ctypes.Structure):
            _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("parts", ctypes.c_void_p),
                        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                        ("flags", ctypes.c_long), ("sent", ctypes.c_long)]
        parts = [Part(ctypes.addressof(q), len(q) - 1) for q in queries]
        messages = (Message * 2)(*[Message(None, 0, ctypes.addressof(p), 1, None, 0, 0, 0) for p in parts])
        assert libc.sendmmsg(sender.fileno(), messages, 2, 0) == 2
    """
    run_marked(core, "import ctypes\n" + textwrap.dedent(code))
    core.until(lambda: len([e for e in core.of(0x2104) if e.kind == "dns"]) == 2)
    assert [(e.path, e.target, e.operation) for e in core.of(0x2104) if e.kind == "dns"] == [
        ("cw", "A", "sendmmsg"), ("cw", "AAAA", "sendmmsg"),
    ]  # fmt: skip


def test_socket_on_a_standard_stream(core: Core) -> None:
    """A connected socket that is dup'ed onto a standard stream is told with its other end; a pipe is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        deed = """
            global client
            if "client" not in globals():
                client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            os.dup2(client.fileno(), 0)
            os.dup2(os.pipe()[0], 0)
        """
        events = attributed(everywhere(core, 0x2106, deed, str(port)), "stream")
    assert {(e.operation, e.streams, e.family, e.address, e.port) for e in events} == {
        ("dup2", 1, "ipv4", "127.0.0.1", port)
    }


def test_exec_says_which_streams_are_sockets(core: Core) -> None:
    """However a socket came onto standard input and output, the exec tells, with the other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run_marked(core, """
            import fcntl
            client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            mark(0x2108)
            if not os.fork():
                os.close(0); fcntl.fcntl(client, fcntl.F_DUPFD, 0)
                os.dup2(client.fileno(), 1)
                os.execv("/bin/true", ["true"])
            os.wait()
            os.system("true")
        """, str(port))  # fmt: skip
        core.until(lambda: len([e for e in core.of(0x2108) if e.kind == "exec"]) == 2)
    shell, harmless = (e for e in core.of(0x2108) if e.kind == "exec")
    assert (shell.streams, shell.address, shell.port) == (3, "127.0.0.1", port)
    assert (harmless.streams, harmless.address) == (0, "")


def test_exec_without_a_file(core: Core) -> None:
    """A program in a memfd, and one whose file is deleted, have no name on disk; another has."""
    run_marked(core, """
        import shutil
        def run(fd, *, unlink=""):
            if not os.fork():
                os.execve(fd, ["harmless", "x"], {})
            os.wait()
        fd = os.memfd_create("payload")
        with open("/bin/true", "rb") as true:
            os.write(fd, true.read())
            copy = sys.argv[1] + "/copy"
            shutil.copy("/bin/true", copy)
            other = os.open(copy, os.O_RDONLY)
            os.unlink(copy)
            mark(0x210a)
            run(fd); run(other); run(true.fileno())
    """, os.environ.get("TMPDIR", "/tmp"))  # fmt: skip
    core.until(lambda: len([e for e in core.of(0x210A) if e.kind == "exec"]) == 3)
    execs = [e for e in core.of(0x210A) if e.kind == "exec"]
    assert [(e.nameless, e.target) for e in execs] == [(True, "memfd:payload"), (True, "copy"), (False, "")]
    assert {e.argv for e in execs} == {("harmless", "x")}


def test_verified_addresses(core: Core) -> None:
    """The address of a TCP connect and listen is the kernel's; that of a datagram socket is the caller's word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        run_marked(core, """
            mark(0x210c)
            socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9))
            socket.create_server(("127.0.0.1", 0))
        """, str(server.getsockname()[1]))  # fmt: skip
        core.until(lambda: "listen" in {e.kind for e in core.of(0x210C)})
    events = [e for e in core.of(0x210C) if e.kind in ("connect", "listen")]
    assert [(e.kind, e.address, e.verified) for e in events] == [
        ("connect", "127.0.0.1", True), ("connect", "127.0.0.1", False), ("listen", "127.0.0.1", True),
    ]  # fmt: skip


@pytest.mark.skipif(not tracefs.has_event("syscalls", "sys_exit_finit_module"), reason="this kernel takes no modules")
def test_modules(core: Core) -> None:
    """Loading a module is told, also where it fails."""
    events = attributed(everywhere(core, 0x210E, "libc.syscall(313, -1, b'debug=1', 0)"), "module")
    assert {(e.operation, e.path, e.result) for e in events} == {("finit_module", "debug=1", -9)}


def test_killed_by_a_signal(core: Core) -> None:
    """The status of a process that a signal ended is the kernel's own."""
    run_marked(core, """
        mark(0x2110)
        if not os.fork():
            os.kill(os.getpid(), 9)
        os.wait()
    """)  # fmt: skip
    core.until(lambda: len([e for e in core.of(0x2110) if e.kind == "exit"]) == 2)
    sent = next(e for e in core.of(0x2110) if e.kind == "signal")
    ended = next(e for e in core.of(0x2110) if e.kind == "exit" and e.pid == sent.pid)
    assert (sent.target_pid, sent.flags, ended.exit_code) == (sent.pid, 9, 9)


@ROOT
def test_another_user_and_mount_namespace(core: Core, tmp_path: Path) -> None:
    """What a child does as somebody else, and where it sees other files, belongs to the request as well."""
    run_marked(core, """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        mark(0x2112)
        if not os.fork():
            assert libc.unshare(0x20000) == 0
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.execv("/bin/true", ["true"])
        os.wait()
    """)  # fmt: skip
    core.until(lambda: "exec" in {e.kind for e in core.of(0x2112)})
    told = [(e.kind, e.operation, e.uid, e.ids) for e in core.of(0x2112) if e.kind not in ("fork", "open", "exit")]
    assert told[:3] == [
        ("namespace", "unshare", 0, ()), ("credentials", "setresgid", 0, (65534,) * 3),
        ("credentials", "setresuid", 65534, (65534,) * 3),
    ]  # fmt: skip
    execution = next(e for e in core.of(0x2112) if e.kind == "exec")
    assert (execution.uid, execution.attribution) == (65534, "inherited")


def test_descendants_that_lost_their_mark(core: Core) -> None:
    """A process that takes its mark off is still told of, without a request: it descends from a registered one."""
    marked = Marked("""
        if not os.fork():
            mark(0x2114)
            mark(0)
            os.execv("/bin/sh", ["sh", "-c", "true; exec /bin/true unmarked"])
        os.wait()
    """)  # fmt: skip
    core.register(marked.pid)
    marked.go()
    core.until(lambda: any("unmarked" in e.argv for e in core.events))
    event = next(e for e in core.events if "unmarked" in e.argv)
    assert (event.request_id, event.attribution) == ("", "none")
    assert marked.pid in [one.pid for one in event.ancestors]


def test_ancestors(core: Core) -> None:
    """An exec names those above it, up to the service and beyond, each with its start; a process keeps its own."""
    marked = Marked("""
        mark(0x2116)
        os.system("/bin/sh -c '/bin/true; exit 3'")
    """)  # fmt: skip
    core.register(marked.pid)
    marked.go()
    core.until(lambda: len([e for e in core.of(0x2116) if e.kind == "exec"]) == 3)
    last = [e for e in core.of(0x2116) if e.kind == "exec"][-1]
    pids = [one.pid for one in last.ancestors]
    assert pids[0] == last.parent_pid
    assert pids.index(marked.pid) < pids.index(os.getpid())
    assert all(one.start for one in last.ancestors)
    starts = {(e.pid, e.process_start) for e in core.of(0x2116)}
    assert len(starts) == len({pid for pid, _ in starts})


IO_URING = Path(__file__).with_name("uring.c")


@pytest.fixture(scope="module")
def uring(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """The tester that connects through io_uring, compiled; skipped where there is no compiler."""
    binary = tmp_path_factory.mktemp("uring") / "uring.so"
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", binary, IO_URING], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no compiler here: {error}")
    return lambda: str(binary)


def test_io_uring(core: Core, uring: Callable[[], str]) -> None:
    """A connect that io_uring makes is told as such and with its address, though no connect was called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run_marked(core, """
            import ctypes
            library = ctypes.CDLL(sys.argv[1], use_errno=True)
            client = socket.socket()
            mark(0x2118)
            result = library.uring_connect(client.fileno(), int(sys.argv[2]))
            mark(0)
            assert result in (0, -38, -1), result
            print(result)
        """, uring(), str(port))  # fmt: skip
        if not tracefs.has_event("io_uring", "io_uring_submit_req"):
            pytest.skip("this kernel has no io_uring, or no tracepoint for it")
        core.until(lambda: len({e.kind for e in core.of(0x2118)} & {"io_uring", "connect"}) == 2)
    events = [e for e in core.of(0x2118) if e.kind in ("io_uring", "connect")]
    assert [(e.kind, e.operation) for e in events] == [("io_uring", "CONNECT"), ("connect", "")]
    assert (events[1].address, events[1].port, events[1].verified) == ("127.0.0.1", port, True)

