"""An outbound URL: the input decides the host, and the host is an internal one; or it decides an unusual scheme.

(CWE-918; RFC 3986, 3.2; addresses in every spelling that libc takes)
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

MIN_INPUT = 4
_SCHEMES = frozenset(("http", "https", "ftp", "ftps", ""))
_SUFFIXES = (".localhost", ".internal", ".local", ".lan", ".svc", ".cluster.local", ".nip.io", ".localtest.me")


def reached(value: str, url: str, resolved: Sequence[str] = ()) -> str:
    """The host that was asked (or the whole URL of an unusual scheme), else an empty text."""
    value = value.strip()
    if len(value) < MIN_INPUT:
        return ""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
    except ValueError:
        return ""
    if scheme == "data":  # says what it holds, and nobody is asked
        return ""
    if scheme not in _SCHEMES:
        return url if value.lower().startswith(scheme + ":") else ""
    if _crosses(value, url, parts.netloc):
        return host
    return internal(url, resolved) if _host_of(value)[0] == host else ""


def internal(url: str, resolved: Sequence[str] = ()) -> str:
    """The host of a URL, where it or what it resolved to is an internal one; else an empty text."""
    host, _ = _host_of(url)
    return host if is_internal(host) or (host and any(map(is_internal, resolved))) else ""


def connect_reached(value: str, target: str) -> str:
    """The host of a bare connection ("host:port") where the input names both, and it is an internal one."""
    host, port = _host_of("//" + target)
    return host if host and is_internal(host) and (host, port) == _host_of(value.strip()) and port else ""


def is_internal(host: str) -> bool:
    """Whether a host's name or address is not one of the open internet."""
    host = host.lower().rstrip(".").partition("%")[0]
    if not host:
        return False
    address = _address(host)
    if address is None:
        return "." not in host or host.endswith(_SUFFIXES)
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped if mapped is not None else address
    return not address.is_global or address.is_multicast


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _crosses(value: str, url: str, authority: str) -> bool:
    """Whether the input begins within the authority and leads beyond its end: it chose where the host ends."""
    begin = url.find("//") + 2
    at = url.find(value)
    return begin < at < begin + len(authority) < at + len(value)


def _host_of(text: str) -> tuple[str, int]:
    """Host and port of a URL, or of a bare host."""
    try:
        parts = urlsplit(text if "//" in text else "//" + text)
        return (parts.hostname or ""), (parts.port or 0)
    except ValueError:
        return "", 0
