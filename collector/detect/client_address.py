"""Whose address it is: forwarding headers are believed from trusted proxies only, hop by hop from the right.

Sources: RFC 7239 (Forwarded), the X-Forwarded-For convention.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from collector.detect.settings import Network
from collector.policy.lists import numbered

CHAINS = ("x-forwarded-for", "forwarded")
SINGLE = ("x-real-ip", "true-client-ip", "x-client-ip", "forwarded-for", "x-cluster-client-ip", "fastly-client-ip",
          "cf-connecting-ip", "cf-connecting-ipv6")  # fmt: skip
HEADERS = frozenset((*CHAINS, *SINGLE))
MAX_HOPS = 32
MAX_CHAIN = 8192
MAX_ADDRESS = 128
_FOR = re.compile(r'(?:^|[;,\s])for\s*=\s*"?(\[[^\]",;\s]*\]|[^",;\s]+)', re.IGNORECASE)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def resolve(peer: str, headers: Iterable[tuple[str, str]], trusted: Sequence[Network]) -> tuple[str, bool]:
    """The client's address, and whether somebody who is no trusted proxy sent a forwarding header.

    Without a peer address (a Unix socket, a server that does not tell) nobody is believed and nobody accused. Two
    chains that contradict each other cannot both be the proxy's: the peer's address stands.
    """
    forwarding = [(name, value) for name, value in headers if name in HEADERS]
    if not forwarding and len(peer) < 16 and ":" not in peer and numbered(peer)[0]:
        return peer, False
    address = parse(peer)
    if address is None:
        return peer[:64], False
    if not forwarding:
        return str(address), False
    if not _within(address, trusted):
        return str(address), True
    clients = {_walk(address, hops, trusted) for hops in _chains(forwarding)}
    return (clients.pop(), False) if len(clients) == 1 else (str(address), bool(clients))


def parse(text: str) -> Address | None:
    """An address as people and servers write it: with a port, in brackets, IPv4 in IPv6.

    >>> parse("[::ffff:10.0.0.1]:443"), parse("192.0.2.1:80"), parse("unknown")
    (IPv4Address('10.0.0.1'), IPv4Address('192.0.2.1'), None)
    """
    return _parse(text[:MAX_ADDRESS])


@lru_cache(1024)
def _parse(text: str) -> Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _chains(forwarding: list[tuple[str, str]]) -> list[list[str]]:
    """The hops by header; headers with one address only where there is no chain."""
    found = []
    for kind in CHAINS:
        values = ",".join(value for name, value in forwarding if name == kind)[-MAX_CHAIN:]
        if values:
            hops = _FOR.findall(values) if kind == "forwarded" else values.split(",")
            found.append(hops[-MAX_HOPS:])
    return found or [[value] for name, value in forwarding if name == "x-real-ip"]


def _walk(peer: Address, hops: list[str], trusted: Sequence[Network]) -> str:
    """From the nearest hop outwards, as long as each is a trusted proxy."""
    last = peer
    for hop in reversed(hops):
        address = parse(hop)
        if address is None:
            break
        last = address
        if not _within(address, trusted):
            break
    return str(last)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
