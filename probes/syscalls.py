"""bpf(2) and perf_event_open(2), as far as loading needs them: a program that is compiled already needs no BCC."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct
from pathlib import Path

from msgspec import Struct

from probes import tracefs

NUMBERS = {"x86_64": (321, 298)}
"""bpf and perf_event_open by architecture; the others that we know share a table."""

GENERIC = (280, 241)
MAP_CREATE, MAP_UPDATE, PROG_LOAD, RAW_TRACEPOINT_OPEN, OBJ_GET_INFO, LINK_CREATE = 0, 2, 5, 17, 15, 28
MAP_INFO = struct.Struct("=IIIIII16s")
ATTRIBUTE_SIZE = 128
PROGRAM_ATTRIBUTE = "=IIQQIIQ8x16s4xI36xI"
LOG_SIZE = 1 << 20
NAME_SIZE = 15
PERF_TYPE_TRACEPOINT, PERF_SAMPLE_RAW, PERF_FLAG_FD_CLOEXEC = 2, 1 << 10, 8
PERF_ATTRIBUTE = struct.Struct("=IIQQQQQIIQQ")
UPROBES = Path("/sys/bus/event_source/devices/uprobe/type")
PERF_SIZE = 112
SET_BPF, ENABLE = 0x40042408, 0x2400
"""ioctl(2)'s numbers for a perf event."""


class Map(Struct, frozen=True):
    """How a map is made: numbers as the kernel has them (enum bpf_map_type, BPF_F_* flags), sizes in bytes."""

    name: str
    kind: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int


def _syscall(which: int, *arguments: object) -> int:
    """A descriptor or 0; raises OSError."""
    number = NUMBERS.get(platform.machine(), GENERIC)[which]
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _bpf(command: int, attribute: bytes) -> int:
    buffer = ctypes.create_string_buffer(attribute, ATTRIBUTE_SIZE)
    return _syscall(0, ctypes.c_long(command), buffer, ctypes.c_long(ATTRIBUTE_SIZE))


def create_map(wanted: Map) -> int:
    """A descriptor of a new map; raises OSError."""
    sizes = (wanted.kind, wanted.key_size, wanted.value_size, wanted.max_entries, wanted.flags)
    return _bpf(MAP_CREATE, struct.pack("=5I8x16s", *sizes, _name(wanted.name)))


def describe_map(descriptor: int) -> Map:
    """How an existing map was made; raises OSError."""
    info = ctypes.create_string_buffer(MAP_INFO.size)
    _bpf(OBJ_GET_INFO, struct.pack("=IIQ", descriptor, MAP_INFO.size, ctypes.addressof(info)))
    kind, _, key_size, value_size, max_entries, flags, name = MAP_INFO.unpack(info.raw)
    return Map(name.rstrip(b"\0").decode(), kind, key_size, value_size, max_entries, flags)


def load_program(name: str, kind: int, code: bytes, attach_kind: int = 0, hook: int = 0) -> int:
    """A descriptor of a program that the verifier has let pass; raises OSError with the end of what it said. `hook` is
    the BTF id of the kernel's function that it is for."""
    instructions, license_name = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    for log in (None, ctypes.create_string_buffer(LOG_SIZE)):
        told = (1, LOG_SIZE, ctypes.addressof(log)) if log else (0, 0, 0)
        where = (kind, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(license_name))
        try:
            return _bpf(PROG_LOAD, struct.pack(PROGRAM_ATTRIBUTE, *where, *told, _name(name), attach_kind, hook))
        except OSError as error:
            failure, said = error, log.value.decode(errors="replace")[-400:] if log else ""
            if error.errno not in (errno.EINVAL, errno.EACCES, errno.E2BIG, errno.ENOSPC):
                break
    raise OSError(failure.errno, f"Failed to load BPF program {name}: {failure.strerror}. {said}")


def open_raw_tracepoint(name: str, program: int) -> int:
    """A descriptor that keeps the program attached; raises OSError. Without a name: to what it was loaded for."""
    text = ctypes.create_string_buffer(name.encode())
    return _bpf(RAW_TRACEPOINT_OPEN, struct.pack("=QI", ctypes.addressof(text) if name else 0, program))


def link_cgroup(program: int, group: int, attach_kind: int) -> int:
    """A descriptor that keeps the program attached to a cgroup; raises OSError (below Linux 5.7 always)."""
    return _bpf(LINK_CREATE, struct.pack("=4I", program, group, attach_kind, 0))


def update_map(descriptor: int, key: bytes, value: bytes) -> None:
    """Set an entry of a map; raises OSError."""
    places = [ctypes.create_string_buffer(part, len(part)) for part in (key, value)]
    _bpf(MAP_UPDATE, struct.pack("=I4xQQQ", descriptor, *map(ctypes.addressof, places), 0))


def attach_uprobe(path: str, offset: int, program: int, at_return: bool) -> int:
    """A perf event that keeps the program attached to a function in a file, in whatever process; raises OSError."""
    name = ctypes.create_string_buffer(path.encode())
    place = (ctypes.addressof(name), offset)
    return _attach(
        PERF_ATTRIBUTE.pack(int(UPROBES.read_text()), PERF_SIZE, at_return, 1, 0, 0, 0, 1, 0, *place), program
    )


def attach_tracepoint(event: str, program: int) -> int:
    """A perf event (`category:name`) that keeps the program attached, on all processors; raises OSError."""
    number = int((tracefs.events() / event.replace(":", "/") / "id").read_text())
    kind = (PERF_TYPE_TRACEPOINT, PERF_SIZE, number, 1, PERF_SAMPLE_RAW)
    return _attach(PERF_ATTRIBUTE.pack(*kind, 0, 0, 1, 0, 0, 0), program)


def _attach(attribute: bytes, program: int) -> int:
    buffer = ctypes.create_string_buffer(attribute, PERF_SIZE)
    everybody, first = ctypes.c_long(-1), ctypes.c_long(0)
    descriptor = _syscall(1, buffer, everybody, first, ctypes.c_long(-1), ctypes.c_long(PERF_FLAG_FD_CLOEXEC))
    try:
        fcntl.ioctl(descriptor, SET_BPF, program)
        fcntl.ioctl(descriptor, ENABLE, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _name(name: str) -> bytes:
    return name.encode()[:NAME_SIZE]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
