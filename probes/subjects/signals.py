"""Signals: bpf/signals.c."""

from __future__ import annotations

from probes.layout import Fields
from probes.subjects.calls import call


def signal(data: bytes) -> Fields:
    """`flags` is the signal's number."""
    told = call(data)
    return {"kind": "signal", "target_pid": told.first & 0xFFFFFFFF, "flags": told.second & 0xFF}


DECODERS = {24: signal}
