"""`cowitness executables`: what a trace or a session executed, with the SHA-256 of each file, worked out when asked.

The file is the process's own (/proc/PID/exe) where it still runs that program, else what stands at the path now: the
same one only where it has not been touched since. Asked on the host itself, by somebody who may read the files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct
from msgspec.structs import replace

from collector.cli.failure import WRONG, CommandError
from collector.cli.options import RUN_DIR, Json, RunDir

if TYPE_CHECKING:
    from cowitness.v1 import cowitness_pb2 as pb

    from collector.cli.client import Client

MAX_BYTES = 512 << 20
SECONDS = 20.0
"""Of a file, and for all files of one command."""

HOST = "/proc/1/root"
"""Where the host's files are to be found from within a container."""

CHUNK = 1 << 20
SLACK = 1_000_000_000
"""Nanoseconds by which /proc's word on a process's start may differ from the probes': clocks are set meanwhile."""

Which = Literal["", "running", "untouched", "changed"]
State = tuple[int, ...]


class Executable(Struct, frozen=True):
    """A program that was executed. `which`: whether what was hashed is that program: it runs still, it has not been
    touched since, or it has been. `problem`: why there is no hash."""

    path: str
    pid: int
    sha256: str = ""
    size: int = 0
    which: Which = ""
    problem: str = ""


def executables(
    found_id: Annotated[str, typer.Argument(metavar="ID", help="Of a trace, or with --login of a login event.")],
    login: Annotated[bool, typer.Option("--login", help="The id is that of a login event.")] = False,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List what a trace or a session executed, with the SHA-256 of each file."""
    import msgspec

    from collector.cli.client import Client
    from collector.cli.text import clean, console

    with Client(run_dir) as client:
        events, process = _login(client, found_id) if login else _trace(client, found_id)
    if process.host_name and process.host_name != os.uname().nodename:
        raise CommandError(f"this happened on {process.host_name}: ask there", WRONG)
    out = console()
    for one in hashed(event for event in events if event.kind == "exec"):
        if json:
            typer.echo(msgspec.json.encode(one))
        else:
            told = f"{one.sha256}  {one.which}" if one.sha256 else one.problem
            out.print(clean(f"{one.pid:>8}  {told}  {one.path}"), soft_wrap=True)


def _login(client: Client, found_id: str) -> tuple[Sequence[pb.KernelEvent], pb.Process]:
    found = client.login(found_id)
    return found.kernel_events, found.process


def _trace(client: Client, found_id: str) -> tuple[Sequence[pb.KernelEvent], pb.Process]:
    found = client.trace(found_id)
    return found.kernel_events, found.request.process


def hashed(events: Iterable[pb.KernelEvent], now: Callable[[], float] = time.monotonic) -> Iterator[Executable]:
    """Each execution once, in order; a file that was hashed already is not read again."""
    known: dict[State, str] = {}
    end = now() + SECONDS
    for event in events:
        one = Executable(event.target if event.nameless and event.target else event.executable_path, event.pid)
        try:
            yield _hashed(one, event, known, lambda: now() > end)
        except OSError as error:
            yield replace(one, problem=error.strerror or "")


def _hashed(one: Executable, event: pb.KernelEvent, known: dict[State, str], late: Callable[[], bool]) -> Executable:
    descriptor = os.open(_place(event), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = _state(descriptor)
        if state not in known:
            known[state] = _digest(descriptor, late)
        if _state(descriptor) != state:
            raise OSError(0, "it changes while it is read")
        return replace(one, sha256=known[state], size=state[2], which=_which(event, state))
    finally:
        os.close(descriptor)


def _place(event: pb.KernelEvent) -> str:
    """Where the program's file can be had; raises OSError with the reason where nowhere."""
    path, running = event.executable_path, _running(event)
    if running and (event.nameless or event.container_id or running == f"{path} (deleted)"):
        return f"/proc/{event.pid}/exe"
    if event.nameless:
        raise OSError(0, "it had no file, and runs no more")
    if event.container_id:
        raise OSError(0, "it was a container's, and runs no more")
    if not path.startswith("/"):
        raise OSError(0, "nobody knows in which directory it was")
    return f"{HOST}{path}" if _among_other_files() else path


def _among_other_files() -> bool:
    """Whether the host's first process sees other mounts than this one; False where it cannot be asked."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/1/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    return False


def _which(event: pb.KernelEvent, state: State) -> Which:
    """Of a script the kernel runs the interpreter: that it runs is no word about the script."""
    with contextlib.suppress(OSError):
        file = os.stat(f"/proc/{event.pid}/exe")
        if _running(event) and (file.st_dev, file.st_ino) == state[:2]:
            return "running"
    return "untouched" if state[-1] < event.time.ToNanoseconds() else "changed"


def _running(event: pb.KernelEvent) -> str:
    """What the process executes, where it is there still and, as far as its name tells, has executed nothing else
    since; else empty."""
    with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{event.pid}/stat", "rb") as file:
        before, _, after = file.read().rpartition(b")")
        boot = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        started = boot + int(after.split()[19]) * 10**9 // os.sysconf("SC_CLK_TCK")
        same = abs(started - event.process_creation_time.ToNanoseconds()) < SLACK
        if same and before.partition(b"(")[2].decode("utf-8", "backslashreplace") == event.comm:
            return os.readlink(f"/proc/{event.pid}/exe")
    return ""


def _state(descriptor: int) -> State:
    """What tells this content from others: device, inode, size, times of change, the latter one last. Raises OSError
    for what is no file, or too large."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is no file")
    if found.st_size > MAX_BYTES:
        raise OSError(0, f"it has more than {MAX_BYTES >> 20} MiB")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _digest(descriptor: int, late: Callable[[], bool]) -> str:
    digest, left = hashlib.sha256(), MAX_BYTES
    while left > 0 and (chunk := os.read(descriptor, CHUNK)):
        if late():
            raise OSError(0, f"there was no time for it: {SECONDS:.0f} s are over")
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()
