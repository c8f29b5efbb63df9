"""Rate limits made ready: which of them are for a request, and whether it is one too many."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import zlib
from collections.abc import Iterable

from msgspec import Struct

from collector.policy.counts import Counts
from collector.policy.document import Limit
from collector.policy.lists import numbered

MAX_PATH = 4096
"""Characters of a path that are compared."""

MAX_SERVICES = 1024
"""Services whose limits are remembered; agents name them."""

_WILD = re.compile(r"[*?\[]")
IDS = (1 << 62) - 1
_BITS = {"address": 1, "user": 2, "session": 4}


class Ready(Struct, frozen=True):
    """A limit whose patterns are compiled; `start`: what each of its paths begins with; `number` tells it from others
    in the table."""

    limit: Limit
    services: re.Pattern[str]
    start: str
    paths: re.Pattern[str] | None
    number: int


class Exceeded(Struct, frozen=True):
    """The limit that a request is beyond, who it counts, and the seconds to wait."""

    limit: Limit
    who: str
    wait: float


class Limits:
    """The limits of a policy."""

    def __init__(self, limits: Iterable[Limit], counts: Counts) -> None:
        self._ready, self._counts = tuple(map(_ready, limits)), counts
        self._by_service: dict[str, tuple[Ready, ...]] = {}

    def of(self, service: str) -> tuple[Ready, ...]:
        """The limits of one service."""
        found = self._by_service.get(service)
        if found is None:
            found = tuple(one for one in self._ready if one.services.match(service))
            if len(self._by_service) < MAX_SERVICES:
                self._by_service[service] = found
        return found

    def exceeded(self, limits: Iterable[Ready], request_id: str, path: str, who: dict[str, str]) -> Exceeded | None:
        """Count a request, each kind of `who` once however often it is asked about; what it is beyond, if anything.
        One that refuses goes before one that only tells."""
        path = path[:MAX_PATH]
        fitting = [one for one in limits if path.startswith(one.start) and (one.paths is None or one.paths.match(path))]
        if not fitting:
            return None
        request = int(request_id, 16) & IDS
        bits, number = self._counts.known(request)
        worst = next((Exceeded(one.limit, who[one.limit.key], one.limit.seconds)
                      for one in fitting if one.number == number and number), None)  # fmt: skip
        new = bits
        for one in fitting:
            if not bits & _BITS[one.limit.key] and who[one.limit.key]:
                new |= _BITS[one.limit.key]
                found = self._hit(one, who[one.limit.key])
                if found is not None and (worst is None or found.limit.refuses > worst.limit.refuses):
                    worst, number = found, one.number
        if new != bits:
            self._counts.note(request, new, number)
        return worst

    def _hit(self, one: Ready, who: str) -> Exceeded | None:
        limit = one.limit
        wait = self._counts.hit(limit.name, who, limit.requests, limit.seconds, always=not limit.refuses)
        return Exceeded(limit, who, wait) if wait else None


def counted(address: str) -> str:
    """Whom a limit counts: an address, of IPv6 the /64, since one client has all of that.

    >>> counted("192.0.2.7"), counted("2001:db8::7"), counted("nobody")
    ('192.0.2.7', '2001:db8::/64', '')
    """
    if ":" not in address:
        return address if numbered(address)[0] else ""
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return ""
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def _ready(limit: Limit) -> Ready:
    services, paths = (re.compile(fnmatch.translate(text)) for text in (limit.service, limit.path))
    start = _WILD.split(limit.path, 1)[0]
    return Ready(
        limit, services, start, None if limit.path == start + "*" else paths, zlib.crc32(limit.name.encode()) or 1
    )
