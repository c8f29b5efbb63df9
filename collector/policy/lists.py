"""Who is listed: look-ups whose cost does not grow with the list. Addresses are integers in tables by prefix length."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from collector.policy.document import Entry, subject_of

BITS = {4: 32, 6: 128}
Key = TypeVar("Key")
Number = tuple[int, int]


class Listed(Struct, frozen=True):
    """An entry that was found, and how: address, country, user or session. `expires` in ns since the epoch, 0 for
    never."""

    kind: str
    entry: Entry
    expires: int


@lru_cache(8192)
def numbered(text: str) -> Number:
    """An address as version and number; (0, 0) for what is none. IPv4 in IPv6 is IPv4.

    >>> numbered("0.0.1.2"), numbered("::ffff:0.0.1.2"), numbered("nobody")
    ((4, 258), (4, 258), (0, 0))
    """
    with contextlib.suppress(OSError, ValueError):
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return 0, 0
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


class Lists:
    """Compiled entries. An entry that has expired is as if it were not there."""

    def __init__(self, entries: Iterable[Entry] = (), country: Callable[[Number], str] | None = None) -> None:
        self._country = country
        self._countries: dict[tuple[str, str], Listed] = {}
        self._names: dict[tuple[str, str], Listed] = {}
        self._networks: dict[tuple[int, int], dict[int, Listed]] = {}
        for entry in entries:
            self._add(entry)
        self._size = len(self._names) + len(self._countries) + sum(map(len, self._networks.values()))
        self._tables = {
            version: [(bits - length, self._networks[version, length])
                      for length in range(bits, -1, -1) if (version, length) in self._networks]
            for version, bits in BITS.items()
        }  # fmt: skip

    def __len__(self) -> int:
        return self._size

    @property
    def has_names(self) -> bool:
        """Whether users or sessions are listed."""
        return bool(self._names)

    def find(self, address: Number, user: str, login: str, session: str, now: int) -> Listed | None:
        """The entry that fits, the user before the address, the longest prefix first, then its country. `now`: ns
        since the epoch."""
        if self._names:
            for kind, name in (("user", user), ("user", login), ("session", session)):
                found = self._names.get((kind, name)) if name else None
                if found is not None and _counts(found, now):
                    return found
        found = self._network(address, now) if self._networks else None
        if found is None and self._countries and self._country is not None:
            found = self._countries.get(("country", self._country(address)))
        return found if found is not None and _counts(found, now) else None

    def _network(self, address: Number, now: int) -> Listed | None:
        version, number = address
        for shift, table in self._tables.get(version, ()):
            found = table.get(number >> shift)
            if found is not None and _counts(found, now):
                return found
        return None

    def _add(self, entry: Entry) -> None:
        kind, what = subject_of(entry.subject)
        expires = int(entry.expires.timestamp() * 1e9) if entry.expires else 0
        if isinstance(what, str):
            _keep(self._countries if kind == "country" else self._names, (kind, what), Listed(kind, entry, expires))
            return
        table = self._networks.setdefault((what.version, what.prefixlen), {})
        number = int(what.network_address) >> (BITS[what.version] - what.prefixlen)
        _keep(table, number, Listed("address", entry, expires))


def _keep(table: dict[Key, Listed], key: Key, new: Listed) -> None:
    """Of two entries for the same, the one that lasts longer."""
    old = table.get(key)
    if old is None or (old.expires and (not new.expires or new.expires > old.expires)):
        table[key] = new


def _counts(found: Listed, now: int) -> bool:
    return not found.expires or found.expires > now
