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
    """A limit whose patterns are compiled (None fits all); `start`: what each of its paths begins with; `number` tells
    it from others in the table."""

    limit: Limit
    services: re.Pattern[str]
    start: str
    paths: re.Pattern[str] | None
    number: int
    routes: re.Pattern[str] | None = None

    @property
    def bit(self) -> int:
        """What says that a request was counted: a route is known later than an address."""
        return _BITS[self.limit.key] << (3 if self.routes is not None else 0)

    def fits(self, path: str, route: str) -> bool:
        """Whether a request is counted. One whose route is not known yet is not where a route is asked for."""
        if not path.startswith(self.start) or not (self.paths is None or self.paths.match(path)):
            return False
        return self.routes is None or bool(route and self.routes.match(route))


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

    def exceeded(
        self, limits: Iterable[Ready], request_id: str, path: str, who: dict[str, str], route: str = ""
    ) -> Exceeded | None:
        """Count a request, each kind of `who` once however often it is asked about; what it is beyond, if anything.
        One that refuses goes before one that only tells."""
        path, route = path[:MAX_PATH], route[:MAX_PATH]
        fitting = [one for one in limits if one.fits(path, route)]
        if not fitting:
            return None
        request = int(request_id, 16) & IDS
        bits, number = self._counts.known(request)
        worst = next((Exceeded(one.limit, who[one.limit.key], one.limit.seconds)
                      for one in fitting if one.number == number and number), None)  # fmt: skip
        new = bits
        for one in fitting:
            if not bits & one.bit and who[one.limit.key]:
                new |= one.bit
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
    start = _WILD.split(limit.path, 1)[0]
    paths = None if limit.path == start + "*" else re.compile(fnmatch.translate(limit.path))
    services, number = re.compile(fnmatch.translate(limit.service)), zlib.crc32(limit.name.encode()) or 1
    return Ready(limit, services, start, paths, number, _route(limit.route))


def _route(text: str) -> re.Pattern[str] | None:
    """Routes hold brackets of their own ("/<[a-z]+:name>"): only `*` stands for something else."""
    return None if text == "*" else re.compile(".*".join(map(re.escape, text.split("*"))) + r"\Z", re.DOTALL)
