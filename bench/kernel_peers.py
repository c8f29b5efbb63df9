"""The same load under us and under others that watch opens and executions, one after the other in one run.

    .venv/bin/python bench/kernel_peers.py [--rounds 3]

The load opens and closes a file 50,000 times and runs a program 300 times, in a request as far as we are concerned.
For each watcher: the time of an open and of a program against the bare one (the best of the rounds), the CPU that the
watcher took meanwhile, its memory, and how many of both it told in the last round. The others write what they see into
a file; the snoops look at one of the two only. Who is not installed, or does not start on this kernel, is named with
its words. Needs root, and apt's bpftrace, bpfcc-tools and auditd for the others. Audit rules are for the load's process
only and are taken back; a host that uses audit already is left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.probes.support import Core, Marked, probes

OPENS, PROGRAMS = 50_000, 300
LOAD = f"""
    import subprocess, time
    mark(0x55)
    begin = time.perf_counter()
    for _ in range({OPENS}):
        os.close(os.open("/proc/uptime", os.O_RDONLY))
    opened = time.perf_counter()
    for _ in range({PROGRAMS}):
        subprocess.run(["/bin/true"])
    print((opened - begin) / {OPENS} * 1e9, (time.perf_counter() - opened) / {PROGRAMS} * 1e6)
"""


class UnableError(Exception):
    """A watcher that is not here or does not start; in its own words."""


class Watcher:
    """What watches: `registered` is told of the load's process, `told` says how many opens and programs were told."""

    def __init__(self, pid: int = 0) -> None:
        self.pid = pid

    def registered(self, pid: int) -> None:
        """The load is this process."""

    def settle(self) -> None:
        """Take in what has been told by now."""

    def told(self, pid: int) -> tuple[int, int]:
        return 0, 0


class Ours(Watcher):
    def __init__(self, core: Core, process: subprocess.Popen[bytes]) -> None:
        super().__init__(process.pid)
        self._core = core

    def registered(self, pid: int) -> None:
        self._core.events.clear()
        self._core.register(pid)

    def settle(self) -> None:
        self._core.stats()

    def told(self, pid: int) -> tuple[int, int]:
        opens = sum(one.kind == "open" and one.path == "/proc/uptime" for one in self._core.events)
        return opens, sum(one.kind == "exec" and one.path.endswith("/true") for one in self._core.events)


class Text(Watcher):
    """One that writes lines into a file."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        super().__init__(process.pid)
        self._out, self._from = out, 0

    def registered(self, pid: int) -> None:
        self._from = self._out.stat().st_size

    def settle(self) -> None:
        size = -1
        while size != self._out.stat().st_size:  # it writes in blocks: until nothing comes any more
            size = self._out.stat().st_size
            time.sleep(1)

    def told(self, pid: int) -> tuple[int, int]:
        with self._out.open(errors="replace") as lines:
            lines.seek(self._from)
            text = lines.read()
        return text.count("/proc/uptime"), text.count("/bin/true")


@contextlib.contextmanager
def ours() -> Iterator[Watcher]:
    with probes() as (core, process):
        yield Ours(core, process)


@contextlib.contextmanager
def program(*command: str) -> Iterator[Watcher]:
    """Another's command, started and told to end."""
    if not shutil.which(command[0]):
        raise UnableError("not installed")
    with tempfile.TemporaryDirectory() as folder:
        out, said = Path(folder) / "out", Path(folder) / "errors"
        with out.open("wb") as lines, said.open("wb") as errors:
            process = subprocess.Popen(command, stdout=lines, stderr=errors)
            time.sleep(5)  # none of them says when it is ready
            try:
                if process.poll() is not None:
                    raise UnableError(said.read_text(errors="replace").strip().split("\n")[-1][:120])
                yield Text(process, out)
            finally:
                process.terminate()
                process.wait(20)


class Audit(Text):
    """auditd: the kernel's rules name the load, the daemon writes."""

    def registered(self, pid: int) -> None:
        super().registered(pid)
        for rule in (("-S", "openat", "-F", f"pid={pid}"), ("-S", "execve", "-F", f"ppid={pid}")):
            subprocess.run(["auditctl", "-a", "always,exit", "-F", "arch=b64", *rule], check=True, capture_output=True)

    def told(self, pid: int) -> tuple[int, int]:
        text = self._out.read_text(errors="replace")[self._from :]
        return text.count('name="/proc/uptime"'), text.count('exe="/usr/bin/true"') or text.count("type=EXECVE")


@contextlib.contextmanager
def audit() -> Iterator[Watcher]:
    if not shutil.which("auditd"):
        raise UnableError("not installed")
    rules = subprocess.run(["auditctl", "-l"], check=False, capture_output=True, text=True).stdout.strip()
    if rules != "No rules":
        raise UnableError(f"audit is in use here, or cannot be used: {rules[:100]}")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.log"
        out.touch()
        Path(folder, "auditd.conf").write_text(
            f"log_file = {out}\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\nname_format = NONE\n"
            "max_log_file = 500\nmax_log_file_action = IGNORE\nspace_left_action = IGNORE\nspace_left = 2\n"
            "admin_space_left = 1\nadmin_space_left_action = IGNORE\ndisk_full_action = IGNORE\n"
            "disk_error_action = IGNORE\nlocal_events = yes\nwrite_logs = yes\n"
        )
        process = subprocess.Popen(["auditd", "-n", "-c", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        time.sleep(2)
        try:
            if process.poll() is not None:
                raise UnableError((process.stdout.read() if process.stdout else b"").decode().strip()[-120:])
            subprocess.run(["auditctl", "-b", "8192"], check=False, capture_output=True)
            yield Audit(process, out)
        finally:
            for command in ("-D", "-e0"):
                subprocess.run(["auditctl", command], check=False, capture_output=True)
            process.terminate()
            process.wait(20)


WATCHERS = {
    "cowitness": ours,
    "bpftrace opensnoop": lambda: program("opensnoop.bt"),
    "bpftrace execsnoop": lambda: program("execsnoop.bt"),
    "bcc opensnoop": lambda: program("opensnoop-bpfcc"),
    "bcc execsnoop": lambda: program("execsnoop-bpfcc"),
    "auditd": audit,
}


def measured(watcher: Watcher) -> tuple[float, float, float]:
    """One run of the load: ns an open, µs a program, and the watcher's seconds of CPU."""
    load = Marked(LOAD)
    watcher.registered(load.pid)
    process = psutil.Process(watcher.pid) if watcher.pid else None
    before = sum(process.cpu_times()[:2]) if process else 0.0
    opened, ran = map(float, load.go().split())
    watcher.settle()
    spent = sum(process.cpu_times()[:2]) - before if process else 0.0
    return opened, ran, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    bare = [measured(Watcher()) for _ in range(rounds)]
    opened, ran = (min(one[place] for one in bare) for place in (0, 1))
    print(f"bare: {opened:.0f} ns an open and close, {ran:.0f} µs a program")
    for name, make in WATCHERS.items():
        try:
            with make() as watcher:
                runs = [measured(watcher) for _ in range(rounds)]
                told = watcher.told(0)
                memory = psutil.Process(watcher.pid).memory_info().rss / 2**20
        except UnableError as error:
            print(f"{name}: does not run here: {error}")
            continue
        again = measured(Watcher())
        print(
            f"{name}: open x{min(one[0] for one in runs) / min(opened, again[0]):.2f}, "
            f"program x{min(one[1] for one in runs) / min(ran, again[1]):.2f}, "
            f"{min(one[2] for one in runs):.2f} s of CPU, {memory:.0f} MiB, "
            f"told {told[0]} of {OPENS} opens and {told[1]} of {PROGRAMS} programs"
        )


if __name__ == "__main__":
    main()
