"""The host's libpam: where its functions are, and where its handles keep what a login is about.

A handle's layout is libpam's own business; it is found out with a handle of ours that holds words we know, and that
asks nobody (its service has no modules). From within a container the host's libraries are taken through the root of its
first process, which has to be visible. Runs in the loader, which becomes another program afterwards.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from probes import syscalls
from probes.objects import Loaded

LIBRARY, AUDIT_LIBRARY = "libpam.so.0", "libaudit.so.1"
FUNCTIONS = ("pam_authenticate", "pam_acct_mgmt", "pam_open_session", "pam_close_session")
PROGRAMS = ("pam_call", *FUNCTIONS, "pam_end", "audit_message")
"""Programs of bpf/logins.c, by the ends of their names."""

AUDIT_MACHINES = ("x86_64", "aarch64")
"""Where logins.c knows how a tenth argument is passed."""

HOST = Path("/proc/1/root")
FOLDERS = ("usr/lib/{0}-linux-gnu", "lib/{0}-linux-gnu", "usr/lib64", "lib64", "usr/lib", "lib")
"""Where distributions keep libraries."""

NEEDED = ("libcap-ng.so.0", AUDIT_LIBRARY, "libeconf.so.0")
"""What a libpam may need besides the C library."""

ITEMS = {"host": 4, "remote-user": 8, "tty": 3}
"""Items that a caller sets (PAM_RHOST, PAM_RUSER, PAM_TTY)."""

WORDS = ("service", "user", "host", "remote-user", "tty")
"""In the order of bpf/logins.c."""

HANDLE_BYTES = 192
MAPS = Path("/proc/self/maps")


class _Conversation(ctypes.Structure):
    """struct pam_conv: nobody is asked."""

    _fields_ = (("function", ctypes.c_void_p), ("data", ctypes.c_void_p))


def watch(loaded: Loaded) -> list[int]:
    """Attach the programs of bpf/logins.c to the host's libpam; what keeps them attached. Raises OSError with the
    reason, and leaves nothing then."""
    for name in PROGRAMS:
        if f"on_{name}" not in loaded.programs:
            raise OSError(errno.EOPNOTSUPP, loaded.refused.get(f"on_{name}", f"on_{name} is not loaded"))
    root = HOST if among_other_files() else None
    library = opened(LIBRARY, root)
    for number, offset in enumerate(layout(library)):
        syscalls.update_map(loaded.maps["pam_layout"], number.to_bytes(4, "little"), offset.to_bytes(4, "little"))
    with contextlib.ExitStack() as undo:
        attached = []
        for program, function, at_return in _places():
            path, place = location(library, function)
            attached.append(syscalls.attach_uprobe(path, place, loaded.programs[program], at_return))
            undo.callback(os.close, attached[-1])
        undo.pop_all()
    return attached + _audited(loaded.programs["on_audit_message"], root)


def _places() -> Iterator[tuple[str, str, bool]]:
    """Programs, the functions that they are for, and whether at their return."""
    for name in FUNCTIONS:
        yield from (("on_pam_call", name, False), (f"on_{name}", name, True))
    yield "on_pam_end", "pam_end", False


def _audited(program: int, root: Path | None) -> list[int]:
    """The program attached to libaudit, where there is one: without it nobody counts what sshd refuses by itself."""
    if platform.machine() not in AUDIT_MACHINES:
        return []
    with contextlib.suppress(OSError):
        path, place = location(opened(AUDIT_LIBRARY, root), "audit_log_acct_message")
        return [syscalls.attach_uprobe(path, place, program, at_return=False)]
    return []


def among_other_files() -> bool:
    """Whether the host's first process sees other mounts than this one; False where it cannot be asked."""
    try:
        return os.readlink("/proc/1/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False


def opened(name: str, root: Path | None = None) -> ctypes.CDLL:
    """A library of this machine's, or of another root's; raises OSError."""
    if root is None:
        return _loaded(name, f"there is no {name} here")
    for other in NEEDED:
        with contextlib.suppress(OSError):
            ctypes.CDLL(_among(root, other))
    return _loaded(_among(root, name), "in a container: the host's {name} does not fit here: {error}")


def _loaded(path: str, failure: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise OSError(errno.ENOENT, failure.format(name=Path(path).name, error=error)) from None


def _among(root: Path, name: str) -> str:
    """The file below this root; raises OSError."""
    for folder in FOLDERS:
        path = root / folder.format(platform.machine()) / name
        with contextlib.suppress(OSError):
            if path.is_file():
                return str(path)
    raise OSError(errno.ENOENT, f"in a container: the host has no {name} that could be seen from here")


def location(library: ctypes.CDLL, function: str) -> tuple[str, int]:
    """The file that a function is in, and its offset there; raises OSError."""
    try:
        address = ctypes.cast(getattr(library, function), ctypes.c_void_p).value or 0
    except AttributeError:
        raise OSError(errno.ENOENT, f"{library._name} has no {function}") from None
    for start, end, offset, path in _mappings():
        if start <= address < end:  # of another root's file the kernel says a path that means nothing here
            return (library._name if library._name.startswith("/") else path), address - start + offset
    raise OSError(errno.ENOENT, f"{function} is in no file")


def layout(library: ctypes.CDLL) -> list[int]:
    """Offsets of the pointers to WORDS in a handle, in bytes; raises OSError where a handle does not show them."""
    with _handle(library) as handle:
        readable = [(start, end) for start, end, _, _ in _mappings()]
        pointers = (ctypes.c_uint64 * (HANDLE_BYTES // 8)).from_address(handle)
        found = dict[bytes, int]()
        for place, pointer in enumerate(pointers):
            if any(start <= pointer < end - 64 for start, end in readable):
                found.setdefault(ctypes.string_at(pointer, 64).partition(b"\0")[0], 8 * place)
    try:
        return [found[_word(name)] for name in WORDS]
    except KeyError as error:
        raise OSError(errno.EOPNOTSUPP, f"a handle of {LIBRARY} does not show {error.args[0].decode()}") from None


@contextlib.contextmanager
def _handle(library: ctypes.CDLL) -> Iterator[int]:
    """A handle for a service without modules, with WORDS in it."""
    if not hasattr(library, "pam_start_confdir"):
        raise OSError(errno.EOPNOTSUPP, f"{LIBRARY} is older than 1.4")
    handle, conversation = ctypes.c_void_p(), _Conversation()
    with tempfile.TemporaryDirectory() as folder:
        for name in (_word("service").decode(), "other"):
            Path(folder, name).touch()
        begun = library.pam_start_confdir(
            _word("service"), _word("user"), ctypes.byref(conversation), folder.encode(), ctypes.byref(handle)
        )
    if begun or not handle.value:
        raise OSError(errno.EOPNOTSUPP, f"{LIBRARY} gives no handle ({begun})")
    try:
        for name, item in ITEMS.items():
            library.pam_set_item(handle, item, _word(name))
        yield handle.value
    finally:
        library.pam_end(handle, 0)


def _word(name: str) -> bytes:
    return f"cowitness-{name}".encode()


def _mappings() -> Iterator[tuple[int, int, int, str]]:
    """Readable parts of this process's memory: start, end, offset in the file, file."""
    for line in MAPS.read_text().splitlines():
        addresses, rights, offset, _, _, *path = line.split(maxsplit=5)
        if "r" in rights and not any(one.startswith("[v") for one in path):
            start, end = (int(part, 16) for part in addresses.split("-"))
            yield start, end, int(offset, 16), "".join(path)
