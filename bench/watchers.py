"""Who watches the loads of bench/kernel_peers.py: we, bpftrace and auditd."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psutil

from tests.probes.support import Core, probes

USER = 47110
"""Whose processes are watched."""

SCRIPT = """
tracepoint:syscalls:sys_enter_execve /uid == USER/ {
  printf("exec %d %s\\n", pid, str(args->filename)); join(args->argv);
}
tracepoint:syscalls:sys_enter_openat /uid == USER/ { @path[tid] = args->filename; }
tracepoint:syscalls:sys_exit_openat /@path[tid]/ {
  printf("open %d %d %s\\n", pid, args->ret, str(@path[tid])); delete(@path[tid]);
}
tracepoint:syscalls:sys_enter_connect /uid == USER/ { printf("connect %d %r\\n", pid, buf(args->uservaddr, 16)); }
tracepoint:syscalls:sys_exit_accept /uid == USER/ { printf("accept %d %d\\n", pid, args->ret); }
tracepoint:syscalls:sys_exit_accept4 /uid == USER/ { printf("accept %d %d\\n", pid, args->ret); }
""".replace("USER", str(USER))
AUDIT = (
    "log_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\nname_format = NONE\nmax_log_file = 500\n"
    "max_log_file_action = IGNORE\nspace_left_action = IGNORE\nspace_left = 2\nadmin_space_left = 1\n"
    "admin_space_left_action = IGNORE\ndisk_full_action = IGNORE\nlocal_events = yes\nwrite_logs = yes\n"
)


class UnableError(Exception):
    """A watcher that is not here or does not start; in its own words."""


class Watcher:
    """What watches, or nothing: `watch` is told of a process of the load, `told` counts what it said."""

    def __init__(self, pid: int = 0) -> None:
        self.process = psutil.Process(pid) if pid else None

    def watch(self, *pids: int) -> None:
        """These are the load's."""

    def told(self) -> Counter[str]:
        """Opens, programs and connections of the loads, once everything is told."""
        return Counter()

    def spent(self) -> float:
        """Seconds of CPU so far."""
        return sum(self.process.cpu_times()[:2]) if self.process else 0.0


class Ours(Watcher):
    """A thread only reads, as the core's socket does; what came is looked at afterwards."""

    def __init__(self, core: Core, pid: int) -> None:
        super().__init__(pid)
        self._core, self._read, self._end = core, list[bytes](), threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, *pids: int) -> None:
        self._stop()
        self._core.register(*pids)
        self._thread = threading.Thread(target=self._reading)
        self._thread.start()

    def _reading(self) -> None:
        self._core.socket.settimeout(0.1)
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                self._read.append(self._core.socket.recv(1 << 20))

    def _stop(self) -> None:
        if self._thread:
            self._end.set()
            self._thread.join()
            self._end.clear()
        self._thread = None
        self._core.socket.settimeout(60)
        for data in self._read:
            self._core.take(data)
        self._read.clear()

    def told(self) -> Counter[str]:
        self._stop()
        self._core.stats()
        events = self._core.events
        return Counter(
            opens=sum(one.kind == "open" and one.path == "/proc/uptime" for one in events),
            programs=sum(one.kind == "exec" and one.argv[1:2] == ("nothing",) for one in events),
            connections=sum(one.kind == "connect" and one.family == "ipv4" for one in events),
        )


class Text(Watcher):
    """One that writes lines into a file."""

    SIGNS: ClassVar = {
        "opens": r"^open .* /proc/uptime$", "programs": r"^\S+ nothing 1 1", "connections": r"^connect .*\\x02\\x00",
    }  # fmt: skip

    def __init__(self, pid: int, out: Path) -> None:
        super().__init__(pid)
        self._out = out

    def told(self) -> Counter[str]:
        size = -1
        while size != self._out.stat().st_size:  # it writes in blocks: until nothing comes any more
            size = self._out.stat().st_size
            time.sleep(1)
        text = self._out.read_text(errors="replace")
        return Counter({name: len(re.findall(sign, text, re.MULTILINE)) for name, sign in self.SIGNS.items()})


class Audit(Text):
    SIGNS: ClassVar = {
        "opens": 'name="/proc/uptime"', "programs": 'a1="nothing"', "connections": "type=SYSCALL .* syscall=42 ",
    }  # fmt: skip


@contextlib.contextmanager
def ours() -> Iterator[Watcher]:
    with probes() as (core, process):
        watcher = Ours(core, process.pid)
        try:
            yield watcher
        finally:
            watcher.told()


@contextlib.contextmanager
def started(folder: str, *command: str, seconds: float) -> Iterator[tuple[psutil.Process, Path]]:
    """Another's command, told to end afterwards."""
    if not shutil.which(command[0]):
        raise UnableError("not installed")
    out, said = Path(folder) / "out", Path(folder) / "errors"
    with out.open("wb") as lines, said.open("wb") as errors:
        process = subprocess.Popen(command, stdout=lines, stderr=errors)
    time.sleep(seconds)  # none of them says when it is ready
    try:
        if process.poll() is not None:
            raise UnableError((said.read_text(errors="replace") + out.read_text()).strip().split("\n")[-1][:120])
        yield psutil.Process(process.pid), out
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def bpftrace() -> Iterator[Watcher]:
    with tempfile.TemporaryDirectory() as folder, started(folder, "bpftrace", "-e", SCRIPT, seconds=6) as (one, out):
        yield Text(one.pid, out)


@contextlib.contextmanager
def auditd() -> Iterator[Watcher]:
    if not shutil.which("auditd"):
        raise UnableError("not installed")
    rules = subprocess.run(["auditctl", "-l"], check=False, capture_output=True, text=True).stdout.strip()
    if rules != "No rules":
        raise UnableError(f"audit is in use here, or cannot be used: {rules[:100]}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "audit.log"
        log.touch()
        Path(folder, "auditd.conf").write_text(f"log_file = {log}\n{AUDIT}")
        with started(folder, "auditd", "-n", "-c", folder, seconds=2) as (one, _):
            calls = [word for call in ("execve", "openat", "connect", "accept", "accept4") for word in ("-S", call)]
            rule = ["-a", "always,exit", "-F", "arch=b64", *calls, "-F", f"uid={USER}"]
            for command in (["-b", "8192"], rule):
                subprocess.run(["auditctl", *command], check=True, capture_output=True)
            try:
                yield Audit(one.pid, log)
            finally:
                for command in (["-D"], ["-e0"]):
                    subprocess.run(["auditctl", *command], check=False, capture_output=True)


@contextlib.contextmanager
def nobody() -> Iterator[Watcher]:
    yield Watcher()


WATCHERS = {"cowitness": ours, "bpftrace": bpftrace, "auditd": auditd}
