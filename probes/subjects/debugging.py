"""Reaching into another process: bpf/debugging.c."""

from __future__ import annotations

from probes.layout import Fields, signed
from probes.subjects.calls import call

REQUESTS = {
    0: "PTRACE_TRACEME", 4: "PTRACE_POKETEXT", 5: "PTRACE_POKEDATA", 6: "PTRACE_POKEUSR", 13: "PTRACE_SETREGS",
    16: "PTRACE_ATTACH", 0x4205: "PTRACE_SETREGSET", 0x4206: "PTRACE_SEIZE",
}  # fmt: skip


def reached_into(data: bytes) -> Fields:
    told = call(data)
    name = REQUESTS.get(told.second, told.name) if told.name == "ptrace" else told.name
    target = max(0, signed(told.first)) if told.name != "pidfd_getfd" and name != "PTRACE_TRACEME" else 0
    return {"kind": "ptrace", "operation": name, "result": told.result, "target_pid": target}


DECODERS = {14: reached_into}
