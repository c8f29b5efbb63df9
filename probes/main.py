"""The probe process: load, connect, witness. Started by the collector, or on its own with --stay.

Exit codes: 0 asked to end or the core is gone, 2 bad arguments, 3 this host does not let us watch.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from probes import clock, kernel, priority, privileges, tracefs
from probes.distribution import MissingError, find_bcc
from probes.enforcement import Enforcement
from probes.lineage import Lineage
from probes.vocabulary import Capability, ProbeHello
from probes.witness import Witness

VERSION = "0.1.0"
PR_SET_PDEATHSIG = 1
CACHE = "/var/cache/cowitness"
SENSITIVE = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers")


_CREDENTIALS = struct.Struct("3i")


def say(message: str) -> None:
    """For the operator; the collector puts it into its log."""
    sys.stderr.write(f"probes: {message}\n")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m probes", description="The kernel side of Cowitness.")
    parser.add_argument("--socket", required=True, help="the core's probe socket")
    parser.add_argument("--stay", action="store_true", help="reconnect when the core goes away, instead of ending")
    parser.add_argument("--ring-bytes", type=int, default=8 << 20, help="size of the ring buffer, a power of two")
    parser.add_argument("--sensitive-path", action="append", help="report opens of this path by anybody (repeat)")
    parser.add_argument("--cache", default=CACHE, help="where compiled programs are kept; empty for nowhere")
    parser.add_argument("--no-statistics", action="store_true", help="do not have the kernel time its BPF programs")
    parser.add_argument("--no-structures", action="store_true", help="read no structures of the kernel: fewer facts")
    parsed = parser.parse_args(words)
    if parsed.ring_bytes < 4096 or parsed.ring_bytes & (parsed.ring_bytes - 1):
        parser.error("--ring-bytes must be a power of two and at least 4096")
    return parsed


def capabilities(
    reason: str, features: Sequence[str] = (), refused: Mapping[str, str] | None = None
) -> list[Capability]:
    """What was tried here; `reason` is why the programs did not load, or empty; `refused` are those done without."""
    try:
        bcc = Capability("bcc", True, find_bcc())
    except MissingError as error:
        bcc = Capability("bcc", False, str(error))
    btf = Path("/sys/kernel/btf/vmlinux").exists()
    return [
        Capability("tracepoints", not reason, reason),
        Capability("ring_buffer", not reason, reason),
        bcc,
        Capability("tracefs", tracefs.ready(), "" if tracefs.ready() else "not mounted"),
        Capability("root", os.geteuid() == 0, "" if os.geteuid() == 0 else f"uid {os.geteuid()}"),
        Capability("btf", btf, "" if btf else "this kernel publishes no type information"),
        _feature(
            "task_structures", "HAS_TASK" in features, reason, "no start times, sockets on streams, nameless files"
        ),
        _feature("connection_ends", "HAS_ENDS" in features, reason, "connections do not join services"),
        Capability("end_executions", not reason, reason),
        _refusable("deny_executions", reason or _refusals(refused, "on_execution")),
        _refusable("deny_opens", reason or _refusals(refused, "on_file_open")),
        _feature("end_opens", "HAS_PATHS" in features, reason, "files of policies are not judged"),
        _refusable("deny_changes", reason or _late(_refusals(refused, "on_path"))),
        _feature("end_changes", "HAS_PATHS" in features, reason, "changes of policies' files are not judged"),
        _refusable("host_logins", reason or _refusals(refused, "host_logins")),
        _refusable("deny_connections", reason or _refusals(refused, "on_connect", "on_sendmsg")),
        _feature("registers_at_return", "HAS_TASK_PT_REGS" in features, reason, "arguments are kept from the entry"),
    ]


def _refusals(refused: Mapping[str, str] | None, *programs: str) -> str:
    """Why the kernel took none of these; programs by the beginning of their names."""
    return "; ".join({reason for name, reason in (refused or {}).items() if name.startswith(programs)})


def _late(reason: str) -> str:
    """Why changes of listed files are not denied, and what that means."""
    return f"{reason}: who removes, renames, cuts a listed file is ended when it has happened" if reason else ""


def _refusable(name: str, reason: str) -> Capability:
    """Of programs that are done without where the kernel refuses them."""
    return Capability(name, not reason, reason)


def _feature(name: str, there: bool, reason: str, without: str) -> Capability:
    """What the loaded variant of the programs can do."""
    return Capability(name, there, "" if there else reason or f"not on this kernel: {without}")


def load(options: argparse.Namespace) -> tuple[kernel.Kernel | None, str]:
    """The loaded programs, or the reason why there are none."""
    try:
        loaded = kernel.load(options.ring_bytes, not options.no_structures, options.cache)
    except MissingError as error:
        return None, str(error)
    if not options.no_statistics:
        loaded.measure()
    for path in options.sensitive_path or SENSITIVE:
        if not loaded.watch_path(path):
            say(f"cannot watch {path!r}: at most 63 bytes and 256 paths")
    return loaded, ""


def serve(
    options: argparse.Namespace, loaded: kernel.Kernel | None, reason: str, lineage: Lineage, boot: int = 0,
    enforcement: Enforcement | None = None,
) -> bool:  # fmt: skip
    """One connection, from hello to its end; False when the core could not be reached."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(options.socket)
        except OSError as error:
            say(f"{options.socket}: {error.strerror}")
            return False
        user = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[1]
        if user not in (0, os.getuid()):
            say(f"{options.socket}: user {user} is not the collector's; no commands are taken from there")
            return False
        witness = Witness(loaded, lineage, sock, boot, enforcement)

        def leave(*_: object) -> None:
            options.stay = False
            witness.stop()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        host = os.uname()
        witness.hello(
            ProbeHello(
                os.getpid(),
                host.nodename,
                host.release,
                platform.machine(),
                VERSION,
                capabilities(reason, loaded.features if loaded else (), loaded.refused if loaded else {}),
            )
        )
        witness.run()
        if witness.failed:
            say(witness.failed)
            options.stay = False
            return False
    return True


def settle(options: argparse.Namespace) -> None:
    """Give up every right that is not needed any more, before anybody may speak to us."""
    try:
        privileges.drop((*privileges.KEPT, "DAC_OVERRIDE") if options.stay else privileges.KEPT)
    except OSError as error:
        say(f"capabilities cannot be given up: {error.strerror}")
    if left_out := privileges.filter_calls():
        say(f"no system call filter: {left_out}")


def main(words: Sequence[str] | None = None) -> int:
    options = arguments(words)
    if not options.stay:  # started by the core: end with it, whatever ends it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    priority.go_first()
    loaded, reason = load(options)
    if reason:
        say(reason)
    boot = clock.offset(time.CLOCK_BOOTTIME)
    lineage = Lineage(boot)
    lineage.learn()
    settle(options)
    enforcement = Enforcement(loaded) if loaded else None
    reached = serve(options, loaded, reason, lineage, boot, enforcement)
    while options.stay:
        time.sleep(1)  # the core is being restarted
        if options.stay:  # SIGTERM may have come meanwhile
            reached = serve(options, loaded, reason, lineage, boot, enforcement)
    return 3 if reason else 0 if reached else 1
