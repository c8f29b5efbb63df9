"""Instructions that name maps, and loading that fails on the way."""

from __future__ import annotations

import os
import struct

import pytest

from probes import objects
from probes.objects import Objects, Program
from probes.syscalls import Map

RETURN = struct.pack("=BBhi", 0xB7, 0, 0, 0) + struct.pack("=BBhi", 0x95, 0, 0, 0)
"""r0 = 0; exit."""


def names_map(number: int) -> bytes:
    """r1 = the map with this number."""
    return struct.pack("=BBhi", 0x18, 0x11, 0, number) + bytes(8)


def wide(number: int) -> bytes:
    """r1 = a number of 64 bits."""
    return struct.pack("=BBhi", 0x18, 0x01, 0, number) + bytes(8)


def test_references() -> None:
    """Instructions that name maps are found and changed; wide numbers and all else stay as they are."""
    code = wide(7) + names_map(7) + names_map(9) + RETURN
    assert [value for _, value in objects.references(code)] == [7, 9]
    assert objects.renamed(code, {7: 0, 9: 1}) == wide(7) + names_map(0) + names_map(1) + RETURN


def test_ring_size() -> None:
    """Ring buffers get their part of the wanted size, a page at least; other maps keep theirs."""
    ring, table = Map("events", objects.RING_BUFFER, 0, 0, 4096, 0), Map("marks", 1, 4, 16, 64, 0)
    assert objects.sized(ring, 1 << 20).max_entries == 1 << 19
    assert objects.sized(ring, 1).max_entries == 4096
    assert objects.sized(table, 1 << 20) == table


@pytest.mark.skipif(os.geteuid() != 0, reason="only root loads programs")
@pytest.mark.parametrize("code", [names_map(0) + struct.pack("=BBhi", 0x95, 0, 0, 0), b"\xff" * 8], ids=["r0", "junk"])
def test_what_the_verifier_refuses(code: bytes) -> None:
    """It is said by name, and maps and programs before it are gone again; one that would be attached later only is done
    without."""
    good = Program("good", objects.TRACEPOINT, names_map(0) + RETURN)
    bad = Program("bad", objects.TRACEPOINT, code, ("task:task_newtask",))
    wanted = Objects((Map("marks", 1, 4, 16, 64, 0),), (good, bad), ())
    before = os.listdir("/proc/self/fd")
    try:
        objects.load(Objects(wanted.maps, (good,), ()), 4096)
    except OSError as error:
        pytest.skip(f"no BPF here: {error}")
    assert "bad" in objects.load(Objects(wanted.maps, (Program("bad", objects.TRACEPOINT, code),), ()), 4096).refused
    held = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="Failed to load BPF program bad"):
        objects.load(wanted, 4096)
    assert os.listdir("/proc/self/fd") == held != before
