"""Real events of every kind, stamped by the kernel. No part of this is simulated."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from probes.vocabulary import UNREGISTER, KernelEvent
from tests.probes.support import PRELUDE, Core, Marked, run_marked


def kinds(events: list[KernelEvent]) -> set[str]:
    return {event.kind for event in events}


def test_exec_fork_exit(core: Core) -> None:
    """A shell and its child: forked, executed with arguments, ended with their codes, all stamped as inherited."""
    run_marked(core, """
        mark(0x11)
        os.system("/bin/echo one 'two three' > /dev/null; exit 7")
        mark(0)
    """)  # fmt: skip
    core.until(lambda: len([e for e in core.of(0x11) if e.kind == "exit"]) == 2)
    events = core.of(0x11)
    shell, echo = (event for event in events if event.kind == "exec")
    assert shell.argv[:2] == ("sh", "-c")
    assert (echo.argv, echo.argv_truncated) == (("/bin/echo", "one", "two three"), False)
    assert echo.path.endswith("/echo")
    assert echo.parent_pid == shell.pid
    assert {event.attribution for event in (shell, echo)} == {"inherited"}
    codes = {event.pid: event.exit_code for event in events if event.kind == "exit"}
    assert codes == {shell.pid: 7 << 8, echo.pid: 0}
    assert {event.child_pid for event in events if event.kind == "fork"} == {shell.pid, echo.pid}


def test_file_really_executed(core: Core, tmp_path: Path) -> None:
    """argv[0] may say anything: the path is the file that runs."""
    run_marked(core, """
        mark(0x12)
        if not os.fork():
            os.execv("/bin/true", ["/usr/bin/harmless", "x"])
        os.wait()
    """)  # fmt: skip
    core.until(lambda: "exec" in kinds(core.of(0x12)))
    event = next(e for e in core.of(0x12) if e.kind == "exec")
    assert event.argv == ("/usr/bin/harmless", "x")
    assert os.path.realpath(event.path) == os.path.realpath("/bin/true")


def test_failed_attempts_are_silent(core: Core) -> None:
    """execvp's search along PATH gives one exec event, of the file that was found."""
    run_marked(core, """
        mark(0x13)
        if not os.fork():
            os.environ["PATH"] = "/nowhere:/bin"
            os.execvp("true", ["true", "found"])
        os.wait()
    """)  # fmt: skip
    core.until(lambda: "exit" in kinds(core.of(0x13)))
    assert [e.argv for e in core.of(0x13) if e.kind == "exec"] == [("true", "found")]


@pytest.mark.parametrize(
    ("words", "whole"),
    [(["x" * 1000] * 3, True), (["y" * 5000], False), (["z"] * 3000, False), (["\u00e9\x01'\"", ""], True)],
    ids=["long", "one too long", "too many", "odd"],
)
def test_arguments(core: Core, words: list[str], whole: bool) -> None:
    """Arguments come whole, or cut and marked as cut; never mixed up."""
    run_marked(core, """
        mark(0x14)
        if not os.fork():
            os.execv("/bin/true", ["true"] + sys.argv[1:])
        os.wait()
    """, *words)  # fmt: skip
    core.until(lambda: "exec" in kinds(core.of(0x14)))
    event = next(e for e in core.of(0x14) if e.kind == "exec")
    assert event.argv_truncated is not whole
    expected = ["true", *words]
    if whole:
        assert list(event.argv) == expected
    else:
        assert all(one.startswith(got) for got, one in zip(event.argv, expected, strict=False))
        assert len("".join(event.argv)) < len("".join(expected))


def test_exec_of_another_thread(core: Core) -> None:
    """A thread that is not the leader takes the process over by exec: its mark goes with it."""
    run_marked(core, """
        if not os.fork():
            def take_over():
                mark(0x15)
                os.execv("/bin/sh", ["sh", "-c", "/bin/true from-thread"])
            threading.Thread(target=take_over).start()
            threading.Event().wait(20)
        os.wait()
    """)  # fmt: skip
    core.until(lambda: len([e for e in core.of(0x15) if e.kind == "exec"]) == 2 or "exit" in kinds(core.of(0x15)))
    lines = [" ".join(e.argv) for e in core.of(0x15) if e.kind == "exec"]
    assert lines[-1].endswith("from-thread")


CONNECTS = """
    family, address = sys.argv[1:]
    mark(0x16)
    if family == "unix":
        client, where = socket.socket(socket.AF_UNIX), address
    else:
        client = socket.socket(socket.AF_INET6 if family == "ipv6" else socket.AF_INET)
        host, port = address.rsplit("|", 1)
        where = (host, int(port))
    try:
        client.connect(where)
    except OSError:
        pass
"""


@pytest.mark.parametrize(("family", "host"), [("ipv4", "127.0.0.1"), ("ipv6", "::1")])
def test_connect(core: Core, family: str, host: str) -> None:
    """Address and port as the kernel saw them."""
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=kind)
    except OSError as error:
        pytest.skip(f"{host} cannot be listened on here: {error}")
    with server:
        port = server.getsockname()[1]
        run_marked(core, CONNECTS, family, f"{host}|{port}")
        core.until(lambda: any(e.port == port for e in core.of(0x16)))
    event = next(e for e in core.of(0x16) if e.port == port)
    assert (event.kind, event.family, event.address, event.result) == ("connect", family, host, 0)
    assert event.attribution == "exact"


def test_refused_connect(core: Core) -> None:
    """A connection that fails is told with its errno."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    run_marked(core, CONNECTS, "ipv4", f"127.0.0.1|{port}")
    core.until(lambda: any(e.port == port for e in core.of(0x16)))
    assert next(e for e in core.of(0x16) if e.port == port).result == -111


def test_unix_connect(core: Core, tmp_path: Path) -> None:
    """A Unix socket is known by its path."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        run_marked(core, CONNECTS, "unix", path)
        core.until(lambda: any(e.family == "unix" and e.path == path for e in core.of(0x16)))


def test_accept(core: Core) -> None:
    """A registered server's accept shows the peer's address and port."""
    marked = Marked("""
        server = socket.create_server(("127.0.0.1", 0))
        print(server.getsockname()[1], flush=True)
        server.accept()
    """)  # fmt: skip
    core.register(marked.pid)
    assert marked.process.stdin
    assert marked.process.stdout
    marked.process.stdin.write(b"\n")
    marked.process.stdin.flush()
    with socket.create_connection(("127.0.0.1", int(marked.process.stdout.readline()))) as client:
        port = client.getsockname()[1]
        core.until(lambda: any(e.kind == "accept" and e.port == port for e in core.events))
    marked.process.communicate()
    event = next(e for e in core.events if e.kind == "accept" and e.port == port)
    assert (event.pid, event.address, event.request_id, event.attribution) == (marked.pid, "127.0.0.1", "", "none")


def test_open(core: Core, tmp_path: Path) -> None:
    """Opens in a marked thread: path as given, flags, descriptor or errno; none before the mark and after it."""
    long = "/" + "d" * 300
    run_marked(core, f"""
        open("/proc/version").close()
        mark(0x17)
        open("/proc/uptime").close()
        open({str(tmp_path)!r} + "/new", "w").close()
        for missing in ("/nowhere/at/all", {long!r}):
            try:
                open(missing)
            except OSError:
                pass
        mark(0)
        open("/proc/version").close()
    """)  # fmt: skip
    core.until(lambda: any(e.path.startswith("/ddd") for e in core.of(0x17)))
    opens = {e.path: e for e in core.of(0x17) if e.kind == "open"}
    assert "/proc/version" not in {e.path for e in core.events}
    assert opens["/proc/uptime"].result >= 0
    assert opens[f"{tmp_path}/new"].flags & os.O_CREAT
    assert opens["/nowhere/at/all"].result == -2
    assert opens[long[:255]].result == -36


def test_sensitive_path(core: Core) -> None:
    """An open of a sensitive path by anybody is told, without a request."""
    marked = Marked("""
        try:
            open("/etc/shadow")
        except OSError:
            pass
    """)  # fmt: skip
    marked.go()
    core.until(lambda: any(e.path == "/etc/shadow" and e.pid == marked.pid for e in core.events))
    event = next(e for e in core.events if e.path == "/etc/shadow" and e.pid == marked.pid)
    assert (event.request_id, event.attribution) == ("", "none")


def test_threads_inherit(core: Core) -> None:
    """A thread started under a mark has it; a thread started before keeps its own."""
    run_marked(core, """
        ready, done = threading.Event(), threading.Event()
        def early():
            mark(0x18)
            ready.set()
            done.wait(20)
            open("/proc/uptime").close()
        def late():
            open("/proc/loadavg").close()
        first = threading.Thread(target=early)
        first.start()
        ready.wait(20)
        mark(0x19)
        second = threading.Thread(target=late)
        second.start()
        second.join()
        done.set()
        first.join()
    """)  # fmt: skip
    core.until(lambda: core.of(0x18) and core.of(0x19))
    assert [(e.path, e.attribution) for e in core.of(0x18) if e.path.startswith("/proc/up")] == [
        ("/proc/uptime", "exact")
    ]
    assert [(e.path, e.attribution) for e in core.of(0x19) if e.path.startswith("/proc/load")] == [
        ("/proc/loadavg", "inherited")
    ]


def test_marks_of_strangers_do_not_count(core: Core) -> None:
    """An unregistered process cannot mark itself, neither before registration nor after it was taken back."""
    stranger, former = Marked("mark(0x1a); open('/proc/uptime').close()"), Marked("mark(0x1b); open('/proc/uptime')")
    stranger.go()
    core.register(former.pid)
    core.command(UNREGISTER, former.pid)
    former.go()
    run_marked(core, "mark(0x1c); open('/proc/uptime').close()")
    core.until(lambda: core.of(0x1C))
    assert core.of(0x1A) == core.of(0x1B) == []


FORGING = PRELUDE.replace("sys.stdin.readline()", "mark(0x1e); open('/proc/uptime').close()")


def test_forks_are_registered_and_execs_are_not(core: Core) -> None:
    """A worker forked by a registered server may mark itself at once; a program that it executes may not."""
    run_marked(core, """
        if not os.fork():
            mark(0x1d)
            open("/proc/uptime").close()
            os._exit(0)
        os.wait()
        if not os.fork():
            os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
        os.wait()
        mark(0x1f)
        open("/proc/uptime").close()
    """, FORGING)  # fmt: skip
    core.until(lambda: core.of(0x1F))
    assert [e.attribution for e in core.of(0x1D) if e.path == "/proc/uptime"] == ["exact"]
    assert core.of(0x1E) == []


def test_times_and_names(core: Core) -> None:
    """Times are of the epoch and ordered; uid and program name are the process's own."""
    before = time.time_ns()
    run_marked(core, "mark(0x20); open('/proc/uptime').close(); open('/proc/loadavg').close()")
    core.until(lambda: any(e.path == "/proc/loadavg" for e in core.of(0x20)))
    first, second = (next(e for e in core.of(0x20) if e.path == p) for p in ("/proc/uptime", "/proc/loadavg"))
    assert before - 10**7 < first.time < second.time < time.time_ns() + 10**7
    assert first.uid == os.getuid()
    assert first.comm.startswith(os.path.basename(sys.executable)[:6])
