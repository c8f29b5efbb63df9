"""Changes of user, group and capabilities: bpf/credentials.c."""

from __future__ import annotations

from probes.layout import Fields, signed
from probes.subjects.calls import call

MAX = (1 << 63) - 1
COUNTS = {"setreuid": 2, "setregid": 2, "setresuid": 3, "setresgid": 3}


def changed(data: bytes) -> Fields:
    """`ids` is what was asked for, -1 where it should stay; of capset the effective and the permitted set."""
    told = call(data)
    if told.name == "capset":
        ids: tuple[int, ...] = (told.first & MAX, told.second & MAX)
    else:
        ids = tuple(map(signed, (told.first, told.second, told.third)[: COUNTS.get(told.name, 1)]))
    return {"kind": "credentials", "operation": told.name, "result": told.result, "ids": ids}


DECODERS = {15: changed}
