"""What the policy does by itself: it lists for a time who is behind an attack wave or goes beyond a rate limit.

Entries are gathered and put into the policy a few times a minute at most where that costs much, so that nobody can make
the node busy with versions of its policy. Who is on the pass list is never listed, nor are addresses of this host that
pass on others' requests: that is a proxy of which `detect.trusted_proxies` does not know.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import structlog

from collector.correlate.floods import source_of
from collector.correlate.waves import SECOND, Client, Waves
from collector.model import AttackTrace, Finding, Request, RequestReport
from collector.policy.document import Entry, PolicyError, now, subject_of
from collector.policy.keeper import Keeper
from collector.policy.lists import Lists, numbered

LIMIT = "policy-limit"
KEYS = ("block", "suspicious")
PAST, FOREVER = (one.replace(tzinfo=UTC) for one in (datetime.min, datetime.max))
MAX_WAITING = 1000
PAUSE, SHARE = 0.5, 50
"""Seconds between two changes of the policy, and how many times as long as a change took."""

log = structlog.get_logger()


class Responses:
    """Hears every report. `counts`: listed entries by list, and those that found no room."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.waves = Waves(lambda: keeper.policy.waves)
        self._waiting: dict[tuple[str, str], Entry] = {}
        self._version = -1
        self._allowed = Lists()
        self._listed: dict[tuple[str, str], datetime] = {}
        self._wake = asyncio.Event()
        self.counts: Counter[str] = Counter()

    def on_report(self, report: RequestReport) -> None:
        """Count it, and do what the policy says."""
        for finding in report.findings:
            if finding.rule_id == LIMIT:
                self._beyond(finding, report.request)
        client = self.waves.on_report(report)
        if client is not None:
            self._in_wave(client)

    def due(self, everything: bool = False) -> list[AttackTrace]:
        """Traces of waves that are to be kept now."""
        return self.waves.due(everything)

    def totals(self) -> dict[str, int]:
        """For the node's counters."""
        totals = {f"responses.{name}": count for name, count in self.counts.items()}
        return totals | {
            "responses.waves": self.waves.found, "responses.clients": len(self.waves),
            "dropped.responses.evicted": self.waves.evicted,
        }  # fmt: skip

    async def run(self) -> None:
        """For ever: put what has gathered into the policy."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            before = time.monotonic()
            self.apply()
            await asyncio.sleep(max(PAUSE, SHARE * (time.monotonic() - before)))

    def apply(self) -> None:
        """What has gathered; a disk that takes nothing is said, and the next report tries again."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            left_out = self._keeper.add_all([(key, entry) for (key, _), entry in waiting.items()])
        except PolicyError as error:
            log.error("who should be listed is not", reason=str(error), entries=len(waiting))
            return
        self.counts["no_room"] += left_out
        self.counts.update(key for key, _ in waiting)

    def _in_wave(self, client: Client) -> None:
        settings, moment = self._keeper.policy.waves, time.time_ns()
        if settings.action not in ("suspicious", "block") or client.until > moment:
            return
        request = client.request
        if _is_proxy(request):
            return
        if self._list(settings.action, source_of(request.client_address), "attack wave", settings.lasting):
            client.until = moment + settings.lasting * SECOND
            what = "refused" if settings.action == "block" else "suspicious"
            client.done = f"; {what} for {settings.lasting:,} s"

    def _beyond(self, finding: Finding, request: Request) -> None:
        limit = next((one for one in self._keeper.policy.limits if one.name == finding.parameter), None)
        if limit is None or not limit.lasting or (limit.key == "address" and _is_proxy(request)):
            return
        self._list("block", finding.value, f"rate limit {limit.name}", limit.lasting)

    def _list(self, key: str, subject: str, reason: str, seconds: int) -> bool:
        """Whether somebody is listed, or will be in a moment."""
        self._look()
        if (key, subject) in self._waiting or self._listed.get((key, subject), PAST) > now():
            return True
        try:
            kind, what = subject_of(subject)
        except PolicyError:
            return False
        if self._is_allowed(kind, what if isinstance(what, str) else str(what.network_address)):
            return False
        if len(self._waiting) >= MAX_WAITING:
            self.counts["no_room"] += 1
            return False
        until = (now() + timedelta(seconds=seconds)).replace(microsecond=0)
        self._waiting[key, subject] = Entry(subject, reason, now(), until, True, True)
        self._wake.set()
        return True

    def _look(self) -> None:
        """Take over the lists of a new version."""
        policy = self._keeper.policy
        if policy.version != self._version:
            self._version, self._allowed = policy.version, Lists(policy.allow)
            self._listed = {
                (key, one.subject): one.expires or FOREVER for key in KEYS for one in getattr(policy, key)
            }  # fmt: skip

    def _is_allowed(self, kind: str, name: str) -> bool:
        address = numbered(name) if kind == "network" else (0, 0)
        user, session = (name if kind == wanted else "" for wanted in ("user", "session"))
        return self._allowed.find(address, user, "", session, time.time_ns()) is not None


def _is_proxy(request: Request) -> bool:
    """Whether this is an address of this host, with a header that names another client."""
    try:
        return request.forged_forwarding and ipaddress.ip_address(request.client_address).is_loopback
    except ValueError:
        return False
