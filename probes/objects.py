"""Compiled programs as data, and what they become once loaded.

The compiler's work is the larger part of a start, and comes to the same every time for the same sources on the same
kernel: so it is kept (cache.py) as what the kernel needs, instructions and the shapes of maps.
"""

from __future__ import annotations

import contextlib
import os
import resource
import struct
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from probes import lsm, syscalls
from probes.syscalls import Map

PROBE, TRACEPOINT, RAW_TRACEPOINT, CGROUP_ADDRESS, LSM = 2, 5, 17, 18, 29
RING_BUFFER = 27
RING_PARTS = {"events": 2, "bulk": 2, "evidence": 4}
"""How many such rings there would be to the wanted size."""

INSTRUCTION = struct.Struct("=BBhi")
LOAD_WIDE, FROM_MAP = 0x18, 1
"""The instruction that holds a map's descriptor: its operation, and what its source register says then."""


class Program(Struct, frozen=True):
    """A program: `kind` is the kernel's number, `events` what it is attached to (none: attached when needed, and done
    without where the kernel refuses it; `attach_kind` says where, to kinds that ask, `hook` to which of the kernel's
    functions). In `code`, where the kernel wants a map's descriptor, stands the map's place in `Objects.maps`."""

    name: str
    kind: int
    code: bytes
    events: tuple[str, ...] = ()
    attach_kind: int = 0
    hook: str = ""


class Objects(Struct, frozen=True):
    """Everything that is loaded together. `features` are the HAS_* that it was compiled with."""

    maps: tuple[Map, ...]
    programs: tuple[Program, ...]
    features: tuple[str, ...]


class Loaded(Struct, frozen=True):
    """Descriptors by name; `attached` keep the programs attached as long as they are open. `refused`: programs that are
    done without, and why."""

    maps: dict[str, int]
    programs: dict[str, int]
    attached: list[int]
    refused: dict[str, str]


def references(code: bytes) -> list[tuple[int, int]]:
    """Where the code names maps: offsets of instructions, and what stands there."""
    wide = ((at, *INSTRUCTION.unpack_from(code, at)) for at in range(0, len(code), INSTRUCTION.size))
    return [(at, value) for at, operation, registers, _, value in wide
            if operation == LOAD_WIDE and registers >> 4 == FROM_MAP]  # fmt: skip


def renamed(code: bytes, names: dict[int, int]) -> bytes:
    """The code with other numbers for its maps."""
    changed = bytearray(code)
    for at, value in references(code):
        struct.pack_into("=i", changed, at + 4, names[value])
    return bytes(changed)


def load(objects: Objects, ring_bytes: int) -> Loaded:
    """Make the maps, load and attach the programs; raises OSError and leaves nothing then. `ring_bytes`: of all ring
    buffers together, about; a power of two."""
    with contextlib.suppress(ValueError, OSError):  # below Linux 5.11 maps count as locked memory
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with contextlib.ExitStack() as undo:
        made = [_kept(undo, syscalls.create_map(sized(one, ring_bytes))) for one in objects.maps]
        numbers = dict(enumerate(made))
        programs, refused = dict[str, int](), dict[str, str]()
        for one in objects.programs:
            try:
                code = renamed(one.code, numbers)
                hook = lsm.hook(one.hook) if one.hook else 0
                descriptor = syscalls.load_program(one.name, one.kind, code, one.attach_kind, hook)
                programs[one.name] = _kept(undo, descriptor)
            except OSError as error:
                if one.events:
                    raise
                refused[one.name] = str(error)
        attached = [
            _kept(undo, syscalls.attach_tracepoint(event, programs[one.name]))
            for one in objects.programs
            for event in one.events
        ]
        undo.pop_all()
    return Loaded(dict(zip((one.name for one in objects.maps), made, strict=True)), programs, attached, refused)


def sized(one: Map, ring_bytes: int) -> Map:
    """A ring buffer with its part of what all are to have (a page at least); other maps as they are."""
    if one.kind != RING_BUFFER:
        return one
    return replace(one, max_entries=max(4096, ring_bytes // RING_PARTS[one.name]))


def _kept(undo: contextlib.ExitStack, descriptor: int) -> int:
    undo.callback(os.close, descriptor)
    return descriptor


def collect(programs: Sequence[Program], features: Iterable[str]) -> Objects:
    """Objects of programs whose code names maps by descriptors of this process."""
    used = sorted({descriptor for one in programs for _, descriptor in references(one.code)})
    places = {descriptor: place for place, descriptor in enumerate(used)}
    moved = (replace(one, code=renamed(one.code, places)) for one in programs)
    return Objects(tuple(map(syscalls.describe_map, used)), tuple(moved), tuple(features))
