"""The short-lived child that compiles and attaches the programs, hands over the descriptors and ends.

LLVM takes 130 MiB and returns little of it; a process that ends returns all. The programs live on in the parent: a
perf-event descriptor keeps its program attached, a map descriptor keeps its map.

Run as `python -m probes.compile FD`, with the settings as JSON on standard input; FD is one end of a Unix socket pair.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any

from probes import tracefs
from probes.distribution import MissingError, load_bcc

HERE = Path(__file__).resolve().parent
SOURCES = ("common.h", "marks.c", "process.c", "compat.c", "sockets.c", "files.c")
MAPS = ("marks", "registered", "drops", "events", "sensitive_paths")
LIMITS = {"MAX_MARKS": 65536, "MAX_REGISTERED": 16384, "MAX_EXECS": 1024, "MAX_CALLS": 8192, "MAX_SENSITIVE": 256}


def program_text() -> str:
    """All programs as one translation unit."""
    return "\n".join((HERE / "bpf" / name).read_text() for name in SOURCES)


def flags(ring_bytes: int) -> list[str]:
    """What the compiler is told: limits, which optional system calls exist, where the system's own headers are."""
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    defines = {**LIMITS, "RING_PAGES": ring_bytes // 4096}
    optional = {"HAS_OPEN": "sys_enter_open", "HAS_OPENAT2": "sys_enter_openat2"}
    return [
        *("-I" + path for path in ("/usr/include", include) if os.path.isdir(path)),
        *(f"-D{name}={value}" for name, value in defines.items()),
        *("-D" + name for name, event in optional.items() if tracefs.has_event("syscalls", event)),
        "-Wno-unused-value", "-Wno-macro-redefined",
    ]  # fmt: skip


def load(ring_bytes: int) -> tuple[dict[str, int], list[int], Any]:
    """Compile and attach; returns descriptors by name, perf-event descriptors, and what must stay referenced.

    The names are those of maps, and `on_call32`: a program that the parent attaches when it is needed.
    """
    os.environ["BCC_KERNEL_SOURCE"] = str(HERE)
    bcc = load_bcc()
    if not Path("/usr/include/linux/bpf.h").exists():
        raise MissingError("the C headers of the kernel's interface are missing: install linux-libc-dev")
    program = bcc.BPF(text=program_text(), cflags=flags(ring_bytes))
    maps = {name: program[name.encode()].map_fd for name in MAPS}
    if platform.machine() == "x86_64":
        maps["on_call32"] = program.load_func("on_call32", bcc.BPF.RAW_TRACEPOINT).fd
    return maps, list(program.tracepoint_fds.values()), program


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        tracefs.ensure()
        maps, events, _program = load(json.load(sys.stdin)["ring_bytes"])
    except MissingError as error:
        channel.sendall(json.dumps({"error": str(error)}).encode())
        return 3
    except Exception as error:
        who = "" if os.geteuid() == 0 else " (not root: CAP_BPF and CAP_PERFMON are needed)"
        channel.sendall(json.dumps({"error": f"the BPF programs do not load here{who}: {error}"}).encode())
        return 3
    answer = json.dumps({"maps": list(maps)}).encode()
    socket.send_fds(channel, [answer], [*maps.values(), *events])
    return 0


if __name__ == "__main__":
    sys.exit(main())
