"""The country of an address, by a database of MaxMind's format (MMDB) that the operator brings."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from collector.policy.lists import Number

MAX_DATABASE = 512 << 20
"""Bytes; every inspector holds it in memory."""

Country = Callable[[Number], str]


def opened(path: str) -> Country:
    """What tells the country (ISO 3166-1 alpha-2) of an address; empty where that is unknown. Read once, whole. Raises
    ValueError for a file that is no such database."""
    import maxminddb  # a library that few need

    try:
        if (size := Path(path).stat().st_size) > MAX_DATABASE:
            raise ValueError(f"{path} is larger than {MAX_DATABASE:,} bytes: {size:,}")
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        six = reader.metadata().ip_version == 6
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{path} is no database of MaxMind's format: {error}") from None

    @lru_cache(8192)
    def country(address: Number) -> str:
        version, number = address
        if not version or (version == 6 and not six):
            return ""
        found = ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
        try:
            return _code(reader.get(found))
        except (maxminddb.InvalidDatabaseError, ValueError):
            return ""

    return country


def _code(record: object) -> str:
    """Where it is, else where its network is registered."""
    for name in ("country", "registered_country"):
        part = record.get(name) if isinstance(record, dict) else None
        code = part.get("iso_code") if isinstance(part, dict) else None
        if isinstance(code, str):
            return code
    return ""
