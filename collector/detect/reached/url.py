"""Outbound URLs: the input decides the host, and the host is an internal one, or the scheme is not one of the web's."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

MIN_LENGTH = 4
_SCHEMES = ("http", "https", "ftp", "ftps")
_NAMES = ("localhost", "metadata", "metadata.google.internal")
_SUFFIXES = (".localhost", ".internal", ".local", ".cluster.local", ".svc")


def reached(value: str, url: str, resolved: list[str]) -> str:
    """The input's part of the URL, where it made the app ask an internal host."""
    value = value.strip()
    if len(value) < MIN_LENGTH or value not in url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES:
        return value if value.lower().startswith(parts.scheme + ":") else ""
    authority_end = url.find("//") + 2 + len(parts.netloc)
    begins = url.find(value)
    decides = host and begins < authority_end and (host in value.lower() or begins + len(value) > authority_end)
    return value if decides and (internal(host) or any(map(internal, resolved))) else ""


def internal(host: str) -> bool:
    """Whether a host name or address is not one of the open internet."""
    host = host.lower().rstrip(".")
    if host in _NAMES or host.endswith(_SUFFIXES):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))  # 2130706433, 0x7f.1: as libc reads them
        except (OSError, ValueError):
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped if mapped is not None else address
    return not address.is_global or address.is_multicast
