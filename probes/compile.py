"""The short-lived child that compiles and attaches the programs and hands over the descriptors.

LLVM takes 130 MiB and returns little of it; a process that becomes another program returns all. What is left of the
child is the holder: a shell that keeps the perf-event descriptors (they keep the programs attached) and waits for the
end of the socket. When the probe process ends, however it ends, the holder does; the kernel takes some 50 ms to detach
each program, and nobody has to wait for that.

Run as `python -m probes.compile FD`, with the settings as JSON on standard input; FD is one end of a Unix socket pair.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from probes import btf, tracefs
from probes.distribution import MissingError, load_bcc

HERE = Path(__file__).resolve().parent
SOURCES = (
    "task.h", "common.h", "calls.h", "marks.c", "process.c", "compat.c", "sockets.c", "files.c", "datagrams.c",
    "changes.c", "memory.c", "debugging.c", "credentials.c", "system.c", "calls.c", "streams.c", "signals.c",
    "io_uring.c",
)  # fmt: skip
MAPS = ("marks", "registered", "drops", "events", "bulk", "sensitive_paths")
LIMITS = {
    "MAX_MARKS": 65536, "MAX_REGISTERED": 16384, "MAX_EXECS": 1024, "MAX_CALLS": 8192, "MAX_SENSITIVE": 256,
    "MAX_RESOLVERS": 8192,
}  # fmt: skip
EVENTS = {
    "HAS_OPEN": ("syscalls", "sys_enter_open"), "HAS_OPENAT2": ("syscalls", "sys_enter_openat2"),
    "HAS_IO_URING": ("io_uring", "io_uring_submit_req"),
}  # fmt: skip
TOLD = re.compile(r"^ +CALL\((\w+), KIND", re.MULTILINE)
ATTACHED = re.compile(r"^ATTACH\((\w+), (\w+)\)", re.MULTILINE)
ALIASES = {"umount2": "umount"}
"""Calls whose events have another name."""

KEPT = ("on_call", "on_datagram", "on_bind")
"""Programs that ask for the arguments of their call."""

DESCRIPTORS = 200
"""Descriptors in one message; the kernel takes 253."""

HOLDER = ["cowitness-probes-holder", "-c", "exec 2>/dev/null; read -r _"]


def program_text() -> str:
    """All programs as one translation unit."""
    return "\n".join((HERE / "bpf" / name).read_text() for name in SOURCES)


def flags(ring_bytes: int, features: dict[str, int]) -> list[str]:
    """What the compiler is told: limits, which optional events exist, where the system's own headers are."""
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    defines = {**LIMITS, "RING_PAGES": max(1, ring_bytes // 8192), **features}
    return [
        *("-I" + path for path in ("/usr/include", include) if os.path.isdir(path)),
        *(f"-D{name}={value}" for name, value in defines.items()),
        *("-D" + name for name, event in EVENTS.items() if tracefs.has_event(*event)),
        "-Wno-unused-value", "-Wno-macro-redefined",
    ]  # fmt: skip


def variants(structures: bool = True) -> Iterator[dict[str, int]]:
    """What to try, the best first: a verifier's yes is the only proof that a kernel can do it."""
    found = btf.offsets() if structures else None
    task = {**found, "HAS_TASK": 1} if found else {}
    if found and platform.machine() == "x86_64":
        yield {**task, "HAS_TASK_PT_REGS": 1}
    if found:
        yield task
    yield {}


def load(ring_bytes: int, structures: bool) -> tuple[Any, dict[str, int]]:
    """Compile and attach the best variant that loads: the program, and what it was compiled with."""
    os.environ["BCC_KERNEL_SOURCE"] = str(HERE)
    bcc = load_bcc()
    if not Path("/usr/include/linux/bpf.h").exists():
        raise MissingError("the C headers of the kernel's interface are missing: install linux-libc-dev")
    text, failure = program_text(), Exception("nothing to try")
    for features in variants(structures):
        try:
            program = bcc.BPF(text=text, cflags=flags(ring_bytes, features))
            attach(program, bcc.BPF.TRACEPOINT, text, "HAS_TASK_PT_REGS" not in features)
            if platform.machine() == "x86_64":
                program.load_func(b"on_call32", bcc.BPF.RAW_TRACEPOINT)  # the probe process attaches it when needed
        except Exception as error:
            failure = error
        else:
            return program, features
    raise failure


def attachments(text: str, entries: bool) -> Iterator[tuple[str, str]]:
    """Programs and events of the calls that the tables and the ATTACH lines name, as far as this kernel has them."""
    pairs = [("on_call", call) for call in TOLD.findall(text)] + ATTACHED.findall(text)
    for program, name in pairs:
        call = ALIASES.get(name, name)
        if not tracefs.has_event("syscalls", f"sys_exit_{call}"):
            continue
        yield program, f"syscalls:sys_exit_{call}"
        if entries and program in KEPT:
            yield "keep_arguments", f"syscalls:sys_enter_{call}"


def attach(program: Any, kind: int, text: str, entries: bool) -> None:
    """Load and attach the programs that serve several events."""
    loaded = set[str]()
    for name, event in attachments(text, entries):
        if name not in loaded:
            program.load_func(name.encode(), kind)
            loaded.add(name)
        program.attach_tracepoint(tp=event.encode(), fn_name=name.encode())


def hand_over(channel: socket.socket, program: Any, features: dict[str, int]) -> None:
    """Send the descriptors of the maps and the programs, then become the holder of the attachments."""
    programs = {name.decode(): function.fd for name, function in program.funcs.items()}
    descriptors = [*(program[name.encode()].map_fd for name in MAPS), *programs.values()]
    answer = {"maps": MAPS, "programs": list(programs), "features": list(features)}
    channel.sendall(json.dumps(answer).encode() + b"\n")
    for start in range(0, len(descriptors), DESCRIPTORS):
        socket.send_fds(channel, [b"\n"], descriptors[start : start + DESCRIPTORS])
    for attached in program.tracepoint_fds.values():
        os.set_inheritable(attached, True)
    os.dup2(channel.fileno(), 0)
    os.execv("/bin/sh", HOLDER)  # noqa: S606 - a shell is what is meant


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        tracefs.ensure()
        hand_over(channel, *load(**json.load(sys.stdin)))
    except MissingError as error:
        channel.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
    except Exception as error:
        who = "" if os.geteuid() == 0 else " (not root: CAP_BPF and CAP_PERFMON are needed)"
        told = {"error": f"the BPF programs do not load here{who}: {error}"}
        channel.sendall(json.dumps(told).encode() + b"\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())
