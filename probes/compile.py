"""The C programs, compiled by BCC into objects that can be kept and loaded without it.

LLVM takes 130 MiB and seconds of a processor: this is imported where nothing kept fits (loader.py), in a process that
becomes another program afterwards.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from probes import btf, files_policy, objects, pam, tracefs
from probes.distribution import MissingError, find_bcc, load_bcc

HERE = Path(__file__).resolve().parent
INTERFACE = Path("/usr/include/linux/bpf.h")
SOURCES = (
    "task.h", "common.h", "calls.h", "policy.h", "paths.h", "marks.c", "process.c", "compat.c", "sockets.c", "turns.c",
    "files.c",
    "datagrams.c", "changes.c", "memory.c", "debugging.c", "credentials.c", "system.c", "calls.c", "streams.c",
    "signals.c", "io_uring.c", "connections.c", "lsm.c",
    "protect.c", "logins.c",
)  # fmt: skip
LIMITS = {
    "MAX_MARKS": 65536, "MAX_REGISTERED": 16384, "MAX_EXECS": 1024, "MAX_CALLS": 8192, "MAX_SENSITIVE": 256,
    "MAX_RESOLVERS": 8192, "MAX_CONNECTIONS": 8192, "MAX_MARKINGS": 16384, "MAX_PROGRAMS": 4096, "MAX_NETWORKS": 8192,
    "MAX_FILES": 8192, "MAX_LOGINS": 8192, "RING_PAGES": 1,
}  # fmt: skip
"""Ring buffers get their size when they are made."""

EVENTS = {
    "HAS_OPEN": ("syscalls", "sys_enter_open"), "HAS_OPENAT2": ("syscalls", "sys_enter_openat2"),
    "HAS_IO_URING": ("io_uring", "io_uring_submit_req"),
}  # fmt: skip
TOLD = re.compile(r"^ +CALL\((\w+), KIND", re.MULTILINE)
ATTACHED = re.compile(r"^ATTACH\((\w+), (\w+)\)", re.MULTILINE)
TRACEPOINT = re.compile(r"^tracepoint__(\w+?)__(\w+)$")
ALIASES = {"umount2": "umount"}
"""Calls whose events have another name."""

KEPT = ("on_call", "on_datagram", "on_bind", "on_accepted")
"""Programs that ask for the arguments of their call."""

LATER = {
    "on_call32": (objects.RAW_TRACEPOINT, 0, ""), "on_connect4": (objects.CGROUP_ADDRESS, 10, ""),
    "on_connect6": (objects.CGROUP_ADDRESS, 11, ""), "on_sendmsg4": (objects.CGROUP_ADDRESS, 14, ""),
    "on_sendmsg6": (objects.CGROUP_ADDRESS, 15, ""), "on_execution": (objects.LSM, 27, "bprm_check_security"),
    **{f"on_{hook}": (objects.LSM, 27, hook) for hook in ("file_open", *files_policy.HOOKS)},
    **{f"on_{name}": (objects.PROBE, 0, "") for name in pam.PROGRAMS},
}  # fmt: skip
"""Programs that are attached elsewhere or when they are needed: their kind, where (enum bpf_attach_type), and the hook
of the kernel that an LSM program is for."""


def program_text() -> str:
    """All programs as one translation unit."""
    return "\n".join((HERE / "bpf" / name).read_text() for name in SOURCES)


def ingredients() -> tuple[list[bytes], list[Path]]:
    """What the objects depend on besides the kernel: texts of ours, and files of the distribution's."""
    headers = sorted(path for path in (HERE / "include").rglob("*") if path.is_file())
    ours = [Path(__file__), Path(btf.__file__), *(HERE / "bpf" / name for name in SOURCES), *headers]
    return [path.read_bytes() for path in ours], [Path(find_bcc()), INTERFACE]


def flags(features: dict[str, int]) -> list[str]:
    """What the compiler is told: limits, which optional events exist, where the system's own headers are."""
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    return [
        *("-I" + path for path in ("/usr/include", include) if os.path.isdir(path)),
        *(f"-D{name}={value}" for name, value in {**LIMITS, **features}.items()),
        *("-D" + name for name, event in EVENTS.items() if tracefs.has_event(*event)),
        "-Wno-unused-value", "-Wno-macro-redefined",
    ]  # fmt: skip


def variants(structures: bool = True) -> Iterator[dict[str, int]]:
    """What to try, the best first: a verifier's yes is the only proof that a kernel can do it."""
    found = btf.offsets() if structures else None
    task = {**found, "HAS_TASK": 1} if found else {}
    plainer = {name: value for name, value in task.items() if name not in ("HAS_PATHS", "HAS_ENDS")}
    for able in (task, plainer) if plainer != task else filter(None, [task]):
        if platform.machine() == "x86_64":
            yield {**able, "HAS_TASK_PT_REGS": 1}
        yield able
    yield {}


def compiled(features: dict[str, int]) -> objects.Objects:
    """The programs of one variant, not loaded; raises MissingError, and whatever BCC raises."""
    os.environ["BCC_KERNEL_SOURCE"] = str(HERE)
    bcc = load_bcc()
    if not INTERFACE.exists():
        raise MissingError("the C headers of the kernel's interface are missing: install linux-libc-dev")

    class Compiler(bcc.BPF):  # type: ignore[misc, name-defined]
        def _trace_autoload(self) -> None:
            """BCC would load and attach here."""

    text = program_text()
    program = Compiler(text=text, cflags=flags(features))
    attached = attachments(text, names(bcc, program), "HAS_TASK_PT_REGS" not in features)
    kinds = {name: LATER.get(name, (objects.TRACEPOINT, 0, "")) for name in (*attached, *LATER)}
    return objects.collect(
        [
            objects.Program(name, kind, program.dump_func(name.encode()), tuple(attached.get(name, ())), where, hook)
            for name, (kind, where, hook) in kinds.items()
            if name in names(bcc, program)
        ],
        [name for name in features if name.startswith("HAS_")],
    )


def names(bcc: Any, program: Any) -> list[str]:
    """Every program of a compiled text."""
    library = bcc.lib
    count = library.bpf_num_functions(program.module)
    return [library.bpf_function_name(program.module, number).decode() for number in range(count)]


def attachments(text: str, programs: list[str], entries: bool) -> dict[str, list[str]]:
    """Events by program: of the programs that are named after one, and of the calls that the tables and the ATTACH
    lines name, as far as this kernel has them."""
    found: dict[str, list[str]] = {}
    for name in programs:
        if match := TRACEPOINT.match(name):
            found[name] = [f"{match[1]}:{match[2]}"]
    for program, name in ATTACHED.findall(text) + [("on_call", call) for call in TOLD.findall(text)]:  # in this order
        call = ALIASES.get(name, name)
        if not tracefs.has_event("syscalls", f"sys_exit_{call}"):
            continue
        found.setdefault(program, []).append(f"syscalls:sys_exit_{call}")
        if entries and program in KEPT:
            found.setdefault("keep_arguments", []).append(f"syscalls:sys_enter_{call}")
    return found
