"""Datagrams, and the question of those that are DNS: bpf/datagrams.c."""

from __future__ import annotations

import struct

from probes.layout import HEAD, Fields, peer
from probes.subjects.calls import OPERATIONS

DATAGRAM = struct.Struct("=iI32sII")
PAYLOAD_SIZE = 288
QUERY = struct.Struct("!HHHHHH")
TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR",
    64: "SVCB",
    65: "HTTPS", 255: "ANY",
}  # fmt: skip


def sent(data: bytes) -> Fields:
    result, operation, address, length, _ = DATAGRAM.unpack_from(data, HEAD.size)
    start = HEAD.size + DATAGRAM.size
    name, kind = question(data[start : start + length])
    fields = {"kind": "dns" if name else "send", "operation": OPERATIONS[operation], "result": result, **peer(address)}
    return fields | ({"path": name, "target": kind} if name else {})


def question(payload: bytes) -> tuple[str, str]:
    """Name and type of the first question of a DNS query; empty for what is none. Hostile input: every length is
    checked, and names are shown in ASCII.

    >>> question(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + b"\\3www\\7example\\0" + b"\\0\\x1c\\0\\1")
    ('www.example', 'AAAA')
    """
    if len(payload) < QUERY.size or payload[2] & 0x80 or QUERY.unpack_from(payload)[2] < 1:
        return "", ""
    labels, at = [], QUERY.size
    while at < len(payload) and 0 < payload[at] < 64:
        end = at + 1 + payload[at]
        labels.append(payload[at + 1 : end].decode("ascii", "backslashreplace"))
        at = end
    if at + 3 > len(payload) or payload[at]:
        return "", ""
    number = int.from_bytes(payload[at + 1 : at + 3], "big")
    return ".".join(labels) or ".", TYPES.get(number, str(number))


DECODERS = {9: sent, 32: sent}
