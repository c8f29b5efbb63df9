"""Whose connection it was, by the kernel: accepts by process, address and port.

The server's word (REMOTE_ADDR, REMOTE_PORT) can be rewritten by middleware; where the kernel saw this process accept
a connection from the same address and port, the record says so. Servers that accept in one process and serve in
another, and servers behind a Unix socket, stay without a kernel peer. A server that does not tell the port gets one
only where a single connection from that address was accepted in the second before the request.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import lru_cache

from collector.model import Peer
from probes.vocabulary import KernelEvent

SECOND = 1_000_000_000
SLACK = SECOND
"""Nanoseconds by which the two clocks (the app's and the kernel's) may differ."""

Key = tuple[int, str, int]
Who = tuple[str, str]
"""What waits for its accept event: "trace" or "login", and its id."""


class Peers:
    """Accepted connections, the oldest forgotten first: a connection may live long, so there is no time limit. Of what
    waits for one, `max_waiting`."""

    def __init__(self, size: int = 16_384, max_waiting: int = 20_000) -> None:
        self._size, self._max_waiting = size, max_waiting
        self._accepted: OrderedDict[Key, int] = OrderedDict()
        self._awaited: OrderedDict[Key, set[Who]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accepted)

    def accepted(self, event: KernelEvent) -> set[Who]:
        """Remember an accept event, unless it is no network connection's; who has waited for it."""
        if event.family not in ("ipv4", "ipv6") or not event.address or event.result < 0:
            return set()
        key = (event.pid, plain(event.address), event.port)
        self._accepted.setdefault(key, event.time)
        self._accepted.move_to_end(key)
        while len(self._accepted) > self._size:
            self._accepted.popitem(last=False)
        return self._awaited.pop(key, set())

    def find(self, pid: int, peer: Peer, start_time: int) -> Peer | None:
        """The kernel's peer for a request (or login) of this process that began at `start_time` (ns)."""
        address = plain(peer.address)
        if not address or pid <= 0:
            return None
        if peer.port:
            time = self._accepted.get((pid, address, peer.port))
            return Peer(address, peer.port) if time is not None and time <= start_time + SLACK else None
        return self._only_one(pid, address, start_time)

    def find_or_await(self, pid: int, peer: Peer, start_time: int, who: Who) -> Peer | None:
        """The same; where there is none its accept event may still be on its way, and then concerns `who`."""
        found = self.find(pid, peer, start_time)
        if found is None and peer.port and pid > 0 and (address := plain(peer.address)):
            self._awaited.setdefault((pid, address, peer.port), set()).add(who)
            while len(self._awaited) > self._max_waiting:
                self._awaited.popitem(last=False)
        return found

    def _only_one(self, pid: int, address: str, start_time: int) -> Peer | None:
        found = None
        for key, time in reversed(self._accepted.items()):
            if key[:2] == (pid, address) and start_time - SECOND <= time <= start_time + SLACK:
                if found is not None:
                    return None
                found = Peer(address, key[2])
            elif time < start_time - 10 * SECOND:
                break
        return found


@lru_cache(4096)
def plain(address: str) -> str:
    """An address in one spelling; IPv4 in IPv6 (dual-stack listeners) as IPv4; empty for what is no address.

    >>> plain("::ffff:192.0.2.7"), plain("2001:DB8::0:1"), plain("fe80::1%eth0"), plain("unix:")
    ('192.0.2.7', '2001:db8::1', 'fe80::1', '')
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


@lru_cache(4096)
def is_loopback(address: str) -> bool:
    """Whether an address, as `plain` has it, is each host's own; that of nothing is, too."""
    return not address or ipaddress.ip_address(address).is_loopback
