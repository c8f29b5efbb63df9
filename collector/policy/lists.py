"""Who is listed: look-ups whose cost hardly grows with the list. Addresses are numbers, those alone in a table."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from collector.policy.document import Entry, subject_of
from collector.policy.networks import Networks

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
        self._countries: dict[str, Listed] = {}
        self._users: dict[str, Listed] = {}
        self._sessions: dict[str, Listed] = {}
        self._addresses: dict[Number, Listed] = {}
        networks: dict[tuple[int, int, int], Listed] = {}
        for entry in entries:
            self._add(entry, networks)
        self._networks = {
            version: Networks((first, 1 << bits - length, listed) for (kind, first, length), listed in networks.items()
                              if kind == version)
            for version, bits in BITS.items() if any(kind == version for kind, _, _ in networks)
        }  # fmt: skip
        names = len(self._countries) + len(self._users) + len(self._sessions)
        self._size = names + len(self._addresses) + len(networks)

    def __len__(self) -> int:
        return self._size

    @property
    def has_names(self) -> bool:
        """Whether users or sessions are listed."""
        return bool(self._users or self._sessions)

    def find(self, address: Number, user: str, login: str, session: str, now: int) -> Listed | None:
        """The entry that fits, the user before the address, the longest prefix first, then its country. `now`: ns
        since the epoch."""
        found = self._named(user, login, session, now) if self.has_names else None
        if found is None and self._addresses:
            found = self._addresses.get(address)
        if found is None or not _counts(found, now):
            found = self._network(address, now) if self._networks else None
        if found is None and self._countries and self._country is not None:
            found = self._countries.get(self._country(address))
        return found if found is not None and _counts(found, now) else None

    def _named(self, user: str, login: str, session: str, now: int) -> Listed | None:
        for table, name in ((self._users, user), (self._users, login), (self._sessions, session)):
            found = table.get(name) if name else None
            if found is not None and _counts(found, now):
                return found
        return None

    def _network(self, address: Number, now: int) -> Listed | None:
        networks = self._networks.get(address[0])
        holding = networks.holding(address[1]) if networks is not None else ()
        return next((found for found in holding if _counts(found, now)), None) if holding else None

    def _add(self, entry: Entry, networks: dict[tuple[int, int, int], Listed]) -> None:
        kind, what = subject_of(entry.subject)
        expires = int(entry.expires.timestamp() * 1e9) if entry.expires else 0
        if isinstance(what, str):
            names = {"country": self._countries, "user": self._users, "session": self._sessions}[kind]
            _keep(names, what, Listed(kind, entry, expires))
            return
        listed, first = Listed("address", entry, expires), int(what.network_address)
        if what.prefixlen == BITS[what.version]:
            _keep(self._addresses, (what.version, first), listed)
        else:
            _keep(networks, (what.version, first, what.prefixlen), listed)


def _keep(table: dict[Key, Listed], key: Key, new: Listed) -> None:
    """Of two entries for the same, the one that lasts longer."""
    old = table.get(key)
    if old is None or (old.expires and (not new.expires or new.expires > old.expires)):
        table[key] = new


def _counts(found: Listed, now: int) -> bool:
    return not found.expires or found.expires > now
