"""Writes a small database of countries in MaxMind's format (the MaxMind DB file format 2.0), for tests."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

SEPARATOR, MARKER = bytes(16), b"\xab\xcd\xefMaxMind.com"
UINT16, UINT32, MAP, TEXT = 5, 6, 7, 2


def write(path: Path, countries: dict[str, str]) -> None:
    """Networks (CIDR) by country code: IPv4 stands at ::/96, records have 24 bits."""
    codes = sorted(set(countries.values()))
    records = [_encoded({"country": {"iso_code": code}}) for code in codes]
    offsets = [sum(map(len, records[:number])) for number in range(len(codes))]
    nodes: list[list[int | str | None]] = [[None, None]]
    for text, code in countries.items():
        _place(nodes, ipaddress.ip_network(text), code)

    def number(record: int | str | None) -> int:
        if isinstance(record, str):
            return len(nodes) + len(SEPARATOR) + offsets[codes.index(record)]
        return len(nodes) if record is None else record

    tree = b"".join(number(record).to_bytes(3, "big") for node in nodes for record in node)
    about = {
        "binary_format_major_version": (UINT16, 2), "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT32, 1), "database_type": "Test-Country", "description": {"en": "test"}, "languages": "",
        "ip_version": (UINT16, 6), "node_count": (UINT32, len(nodes)), "record_size": (UINT16, 24),
    }  # fmt: skip
    path.write_bytes(tree + SEPARATOR + b"".join(records) + MARKER + _encoded(about))


def _place(nodes: list[list[int | str | None]], network: Any, code: str) -> None:
    bits, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
    at = 0
    for depth in range(length):
        side = bits >> (127 - depth) & 1
        if depth == length - 1:
            nodes[at][side] = code
        else:
            known = nodes[at][side]
            if not isinstance(known, int):
                nodes.append([None, None])
                known = nodes[at][side] = len(nodes) - 1
            at = known


def _encoded(value: Any) -> bytes:
    if isinstance(value, dict):
        parts = b"".join(_encoded(key) + _encoded(one) for key, one in value.items())
        return bytes([MAP << 5 | len(value)]) + parts
    if isinstance(value, tuple):
        kind, number = value
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return bytes([kind << 5 | len(data)]) + data
    data = value.encode()
    assert len(data) < 285
    return (bytes([TEXT << 5 | len(data)]) if len(data) < 29 else bytes([TEXT << 5 | 29, len(data) - 29])) + data
